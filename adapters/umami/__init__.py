"""Umami: servers of one's own, and its cloud."""

from typing import cast

from pydantic import BaseModel

from adapters.base import Adapter, Backend, Context
from adapters.umami.adapter import CloudAdapter, SelfHostedAdapter
from adapters.umami.capabilities import EDITIONS
from adapters.umami.options import UmamiCredential, UmamiOptions
from models.errors import ConfigurationError


def _open(options: BaseModel, credential: BaseModel | None, context: Context) -> Adapter:
    chosen = cast(UmamiOptions, options)
    if not isinstance(credential, UmamiCredential):
        raise ConfigurationError("Umami needs an API key, or a user name and password")
    kind = CloudAdapter if chosen.edition == "cloud" else SelfHostedAdapter
    return kind(chosen, credential, context)


BACKEND = Backend(
    name="umami",
    title="Umami",
    options=UmamiOptions,
    credential=UmamiCredential,
    editions=EDITIONS,
    edition_of=lambda options: cast(UmamiOptions, options).edition,
    base_url_of=lambda options: cast(UmamiOptions, options).base_url,
    open=_open,
)
