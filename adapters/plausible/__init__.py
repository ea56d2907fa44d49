"""Plausible: its cloud, and the Community Edition with stats v2 or only v1."""

from pydantic import BaseModel

from adapters.base import Adapter, Backend, Context
from adapters.plausible.adapter import ADAPTERS, EDITIONS
from adapters.plausible.options import PlausibleCredential, PlausibleOptions
from models.errors import ConfigurationError


def _open(options: BaseModel, credential: BaseModel | None, context: Context) -> Adapter:
    if not isinstance(credential, PlausibleCredential):
        raise ConfigurationError("a Plausible connection needs an api_key")
    return ADAPTERS[_edition_of(options)](_options(options), credential, context)


def _edition_of(options: BaseModel) -> str:
    chosen = _options(options)
    return f"{chosen.edition}-v1" if chosen.stats_api == "v1" else chosen.edition


def _options(options: BaseModel) -> PlausibleOptions:
    if not isinstance(options, PlausibleOptions):
        raise ConfigurationError("these are not the options of a Plausible connection")
    return options


BACKEND = Backend(
    name="plausible",
    title="Plausible",
    options=PlausibleOptions,
    credential=PlausibleCredential,
    editions=EDITIONS,
    edition_of=_edition_of,
    base_url_of=lambda options: _options(options).base_url,
    open=_open,
)
