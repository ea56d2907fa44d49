"""The registration of the local backend."""

from pydantic import BaseModel

from adapters.base import Adapter, Backend, Context
from adapters.local.adapter import LocalAdapter, LocalOptions
from adapters.local.capabilities import LOCAL


def _open(options: BaseModel, credential: BaseModel | None, context: Context) -> Adapter:
    return LocalAdapter(LocalOptions.model_validate(options.model_dump()), context)


BACKEND = Backend(
    name="local",
    title=LOCAL.title,
    options=LocalOptions,
    credential=None,
    editions={LOCAL.edition: LOCAL},
    edition_of=lambda _options: LOCAL.edition,
    base_url_of=lambda _options: "",
    open=_open,
)
