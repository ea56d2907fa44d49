"""One recorded event as it lies in the journal: enriched, without address or user agent, not yet part of a visit."""

from functools import lru_cache

import msgspec

from adapters.local.store.schema import VISIT_ATTRIBUTES

NO_DEPTH = 255
Attributes = tuple[str, ...]
"""Values of `schema.VISIT_ATTRIBUTES`, in that order."""


class Hit(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`time` in Unix seconds; `earlier` is the visitor under yesterday's salt (0: none); `amount` in thousandths.

    `attributes` are packed: a visit reads those of its first event only.
    """

    site: str
    time: int
    visitor: int
    earlier: int
    name: str
    interactive: bool
    hostname: str
    path: str
    title: str
    attributes: bytes
    engagement_ms: int = 0
    scroll_depth: int = NO_DEPTH
    amount: int | None = None
    currency: str = ""
    props: dict[str, str] | None = None


_encoder = msgspec.msgpack.Encoder()
_hits = msgspec.msgpack.Decoder(list[Hit])
_attributes = msgspec.msgpack.Decoder(tuple[str, ...])


def pack_hits(hits: list[Hit]) -> bytes:
    """The payload of one journal record."""
    return _encoder.encode(hits)


def unpack_hits(payload: bytes | memoryview) -> list[Hit]:
    """The hits of a record. Raises msgspec.DecodeError."""
    return _hits.decode(payload)


@lru_cache(maxsize=16384)
def pack_attributes(values: Attributes) -> bytes:
    return _encoder.encode(values)


@lru_cache(maxsize=16384)
def unpack_attributes(packed: bytes) -> Attributes:
    """Raises ValueError when the number of values is not that of the schema."""
    values = _attributes.decode(packed)
    if len(values) != len(VISIT_ATTRIBUTES):
        raise ValueError(f"{len(values)} visit attributes, expected {len(VISIT_ATTRIBUTES)}")
    return values
