"""Keys: permutations of one question share a key, any change of meaning has another, the tenant always matters."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.read.cache.key import key_of
from models.filters import And, Comparison, Filter, HasDone, Not, Or
from models.query import Direction, Include, Order, ResolvedQuery, read_query
from models.vocabulary import Metric, Operator
from tests.unit_gateway.tables import NOW, record

SITE = record("a")
VALUES = ("/", "/a", "Google", "DE")
leaves = st.builds(
    Comparison,
    st.sampled_from(Operator),
    st.sampled_from(("page", "source", "country")),
    st.lists(st.sampled_from(VALUES), min_size=1, max_size=3).map(tuple),
    st.booleans(),
)
trees: st.SearchStrategy[Filter] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
        st.builds(HasDone, inner, st.booleans()),
    ),
    max_leaves=6,
)


def asked(**body: Any) -> ResolvedQuery:
    return read_query({"metrics": ["visitors", "visits"], "dimensions": ["page"], **body}).resolved(
        zone="Etc/UTC", now=NOW
    )


def shuffled(node: Filter, draw: st.DataObject) -> Filter:
    """The same meaning, written otherwise: members and values in another order, repeated, nested."""
    match node:
        case Comparison():
            values = draw.draw(st.permutations(node.values))
            return replace(node, values=(*values, values[0]))
        case And() | Or():
            parts = tuple(shuffled(p, draw) for p in draw.draw(st.permutations(node.parts)))
            return type(node)((type(node)(parts),)) if draw.draw(st.booleans()) else type(node)((*parts, parts[0]))
        case Not(part):
            return Not(shuffled(part, draw))
        case HasDone(part, done):
            return HasDone(shuffled(part, draw), done)


@given(st.lists(trees, max_size=3), st.data())
def test_permutations_of_a_question_have_one_key(filters: list[Filter], data: st.DataObject) -> None:
    query = replace(asked(), filters=tuple(filters))
    other = replace(query, filters=tuple(shuffled(f, data) for f in data.draw(st.permutations(filters))))

    assert key_of(SITE, query) == key_of(SITE, other)


CHANGES: dict[str, Any] = {
    "metrics": (Metric.VISITS, Metric.VISITORS),
    "dimensions": ("source",),
    "order_by": (Order("page", Direction.ASC),),
    "limit": 7,
    "offset": 7,
    "include": Include(totals=True),
    "extra": {"table": {"x": 1}},
    "relative": "all",
    "period": asked(date_range="7d").period,
    "filters": (Not(Comparison(Operator.IS, "page", ("/",))),),
}


@given(st.sets(st.sampled_from(sorted(CHANGES)), min_size=1))
def test_any_change_of_meaning_has_another_key(fields: set[str]) -> None:
    query = asked()

    assert key_of(SITE, query) != key_of(SITE, replace(query, **{name: CHANGES[name] for name in fields}))


@given(leaves, leaves)
def test_filters_share_a_key_only_when_they_say_the_same(one: Comparison, other: Comparison) -> None:
    same = replace(one, values=()) == replace(other, values=()) and set(one.values) == set(other.values)

    assert (key_of(SITE, replace(asked(), filters=(one,))) == key_of(SITE, replace(asked(), filters=(other,)))) is same


@given(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5))
def test_tenants_share_no_key(one: str, other: str) -> None:
    keys = {key_of(replace(SITE, tenant=tenant), asked()) for tenant in (one, other)}

    assert len(keys) == len({one, other})


def test_generations_and_the_sites_zone_are_part_of_the_key() -> None:
    changed = SITE.site.model_copy(update={"timezone": "Asia/Tokyo"})
    keys = [
        key_of(SITE, asked()),
        key_of(SITE, asked(), generation=1),
        key_of(replace(SITE, generation=1), asked()),
        key_of(replace(SITE, connection="c2"), asked()),
        key_of(replace(SITE, backend="other"), asked()),
        key_of(replace(SITE, site=changed), asked()),
    ]

    assert len(set(keys)) == len(keys)


def test_a_relative_range_is_the_dates_it_means() -> None:
    written = asked(date_range=["2026-06-10", "2026-06-16"])
    later = read_query({"metrics": ["visitors", "visits"], "dimensions": ["page"], "date_range": "7d"})

    assert key_of(SITE, asked(date_range="7d")) == key_of(SITE, written)
    tomorrow = later.resolved(zone="Etc/UTC", now=NOW + timedelta(hours=12))
    assert key_of(SITE, tomorrow) != key_of(SITE, written)
