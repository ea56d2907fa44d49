"""The local backend: an event store of our own."""

from pydantic import BaseModel

from adapters.base import Adapter, Backend, Context
from adapters.local.capabilities import LOCAL
from adapters.local.care.files import StoreFiles
from adapters.local.options import LocalOptions
from adapters.local.sql.tables import BY_VISIT


def _open(options: BaseModel, credential: BaseModel | None, context: Context) -> Adapter:
    from adapters.local.adapter import LocalAdapter  # the engine is loaded where it is used

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
    extra=frozenset({BY_VISIT}),
    own_store=StoreFiles(),
)
