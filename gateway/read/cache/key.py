"""What identifies an answer: canonical JSON of everything that could change it, as a blake2b digest of 128 bits."""

import hashlib
from collections.abc import Iterable
from typing import assert_never

import orjson

from gateway.tenancy import SiteRecord
from models.filters import And, Comparison, Filter, HasDone, Not, Or
from models.query import ResolvedQuery

SCHEMA = 2
"""Raised whenever what is kept, or what is digested, changes shape."""

Canonical = list[object]


def key_of(record: SiteRecord, query: ResolvedQuery, *, generation: int = 0) -> bytes:
    """The key of a resolved query about one site. `generation` is the credential's.

    Filters joined by and, alternatives, and the values of one filter are sets: order and repetition do not matter. The
    order of metrics and dimensions does, since columns follow it. Case is never folded: backends fold differently.
    """
    return digest(
        "query",
        *of_site(record, generation),
        query.period.key(),
        query.relative if query.relative in ("realtime", "24h", "all") else None,
        list(query.metrics),
        list(query.dimensions),
        canonical(And(query.filters)),
        [[o.by, o.direction] for o in query.order_by],
        query.limit,
        query.offset,
        query.include,
        dict(query.extra),
    )


def of_site(record: SiteRecord, generation: int) -> Canonical:
    """The part of every key about a site: its owner, its backend, and both generations."""
    site = record.site
    return [
        record.tenant,
        record.backend,
        record.connection,
        generation,
        site.id,
        site.ref,
        site.timezone,
        record.generation,
    ]


def digest(*parts: object) -> bytes:
    """16 bytes over canonical JSON."""
    return hashlib.blake2b(orjson.dumps([SCHEMA, *parts], option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def canonical(part: Filter) -> Canonical:
    """A filter as nested lists in one order: joins flattened, members sorted and named once."""
    match part:
        case Comparison(operator, dimension, values, case_sensitive):
            return [operator, dimension, sorted(set(values)), case_sensitive]
        case And() | Or():
            members = _unique(canonical(member) for member in _flat(part))
            return members[0] if len(members) == 1 else [type(part).__name__, *members]
        case Not(negated):
            return ["Not", canonical(negated)]
        case HasDone(asked, done):
            return ["HasDone", done, canonical(asked)]
        case _:
            assert_never(part)


def _flat(join: And | Or) -> Iterable[Filter]:
    """Members of a join, those of its members of the same kind included."""
    for member in join.parts:
        if isinstance(member, type(join)):
            yield from _flat(member)
        else:
            yield member


def _unique(members: Iterable[Canonical]) -> list[Canonical]:
    return [found for _, found in sorted({orjson.dumps(m): m for m in members}.items())]
