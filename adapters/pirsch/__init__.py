"""Pirsch: its hosted API v1, OAuth clients and access keys."""

from pydantic import BaseModel

from adapters.base import Adapter, Backend, Context
from adapters.pirsch.capabilities import PIRSCH
from adapters.pirsch.options import PirschCredential, PirschOptions


def _open(options: BaseModel, credential: BaseModel | None, context: Context) -> Adapter:
    from adapters.pirsch.adapter import open_pirsch

    return open_pirsch(options, credential, context)


def _base_url(options: BaseModel) -> str:
    return str(PirschOptions.model_validate(options.model_dump()).base_url)


BACKEND = Backend(
    name="pirsch",
    title="Pirsch",
    options=PirschOptions,
    credential=PirschCredential,
    editions={"": PIRSCH},
    edition_of=lambda options: "",
    base_url_of=_base_url,
    open=_open,
)
