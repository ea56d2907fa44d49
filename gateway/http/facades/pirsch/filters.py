"""Pirsch's filter parameters as canonical filters (contracts: Pirsch 8). Pure.

`!`, `~` and `^` before a value mean not, contains and contains not; `null` means none. Values of one parameter: those
with `!` must all hold, one of the others must. Parameters are joined by and. What Pirsch would drop without a word
(a country of three letters; core 6.28.3 of 2026-04, contract 8) is refused here.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from gateway.http.facades.pirsch.parameters import Parameters
from gateway.http.facades.pirsch.wording import invalid
from models.event import PAGEVIEW
from models.filters import And, Comparison, Filter, HasDone, Or
from models.vocabulary import DIRECT, DIRECT_CHANNEL, NO_PROP, NOT_SET, PROP_PREFIX, Dimension, Operator

D, O = Dimension, Operator  # noqa: E741 - the tables below read as tables

DIMENSIONS: Mapping[str, Dimension] = MappingProxyType(
    {
        "path": D.PAGE,
        "entry_path": D.ENTRY_PAGE,
        "exit_path": D.EXIT_PAGE,
        "hostname": D.HOSTNAME,
        "language": D.LANGUAGE,
        "country": D.COUNTRY,
        "region": D.REGION_NAME,
        "city": D.CITY_NAME,
        "referrer": D.REFERRER,
        "referrer_name": D.SOURCE,
        "channel": D.CHANNEL,
        "os": D.OS,
        "os_version": D.OS_VERSION,
        "browser": D.BROWSER,
        "browser_version": D.BROWSER_VERSION,
        "screen_class": D.SCREEN,
        "utm_source": D.UTM_SOURCE,
        "utm_medium": D.UTM_MEDIUM,
        "utm_campaign": D.UTM_CAMPAIGN,
        "utm_content": D.UTM_CONTENT,
        "utm_term": D.UTM_TERM,
    }
)
BLANKS: Mapping[Dimension, str] = MappingProxyType({D.SOURCE: DIRECT, D.REFERRER: DIRECT, D.CHANNEL: DIRECT_CHANNEL})
PLATFORMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"desktop": ("Desktop",), "mobile": ("Mobile", "Tablet"), "unknown": (NOT_SET,)}
)
LISTS = (D.COUNTRY, D.LANGUAGE)
"""Here `~` and `^` take a list with commas (2026-04, contract 8)."""
SIGNS: Mapping[str, Operator] = MappingProxyType({"!": O.IS_NOT, "~": O.CONTAINS, "^": O.CONTAINS_NOT})
CUSTOM = Comparison(O.IS_NOT, str(D.EVENT), (PAGEVIEW,))

Signed = tuple[Operator, str]


def signed(value: str) -> Signed:
    """A value without its mark, and what the mark means."""
    return (SIGNS[value[0]], value[1:]) if value[:1] in SIGNS else (O.IS, value)


def filters_of(given: Parameters, *, event: bool = True) -> tuple[Filter, ...]:
    """Every filter of a request; `event` False leaves those on events to the caller. Raises Refused."""
    found: list[Filter] = []
    for name, dimension in DIMENSIONS.items():
        found += _compared(name, dimension, given.all(name))
    found += _platform(given.all("platform"))
    # A pattern beside a path is ignored (2026-04, contract 8).
    if not given.all("path"):
        found += _patterns(given.all("pattern"))
    found += _tags(given)
    if event and (done := event_filters(given)):
        found.append(HasDone(done[0] if len(done) == 1 else And(tuple(done))))
    return tuple(found)


def event_filters(given: Parameters) -> list[Filter]:
    """What one event of the visit must fit: its name, a property it has, values of properties."""
    found: list[Filter] = list(_compared("event", D.EVENT, given.all("event")))
    if key := given.first("event_meta_key"):
        found.append(has_prop(key))
    for key, values in _keyed(given, "meta_"):
        found += _compared(f"meta_{key}", f"{PROP_PREFIX}{key}", values[:1])
    return [*found, CUSTOM] if found and not _names_events(given) else found


def _names_events(given: Parameters) -> bool:
    return bool(given.all("event")) and all(signed(value)[0] is O.IS for value in given.all("event"))


def has_prop(key: str) -> Comparison:
    """Events that have a property, or with `!` before its name, those that lack it."""
    operator, name = signed(key)
    return Comparison(O.IS if operator is O.IS_NOT else O.IS_NOT, f"{PROP_PREFIX}{name}", (NO_PROP,))


def _tags(given: Parameters) -> list[Filter]:
    found: list[Filter] = [has_prop(key) for key in given.all("tag")]
    for key, values in _keyed(given, "tag_"):
        found += _compared(f"tag_{key}", f"{PROP_PREFIX}{key}", values[:1])
    return found


def _keyed(given: Parameters, prefix: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(n.removeprefix(prefix), v) for n, v in given.values.items() if n.startswith(prefix) and n != prefix]


def _compared(name: str, dimension: str, values: Sequence[str]) -> list[Filter]:
    """All values of one parameter."""
    read: list[Signed] = []
    for value in values:
        operator, text = signed(value)
        if dimension in LISTS and operator in (O.CONTAINS, O.CONTAINS_NOT):
            plain = O.IS if operator is O.CONTAINS else O.IS_NOT
            read += [(plain, part.strip()) for part in text.split(",")]
        else:
            read.append((operator, text))
    return _joined(dimension, [(operator, _value(name, dimension, text)) for operator, text in read])


def _joined(dimension: str, read: Sequence[Signed]) -> list[Filter]:
    def of(*operators: Operator) -> tuple[str, ...]:
        return tuple(text for operator, text in read if operator in operators)

    never = [Comparison(O.IS_NOT, dimension, denied)] if (denied := of(O.IS_NOT)) else []
    either: list[Filter] = [Comparison(O.IS, dimension, exact)] if (exact := of(O.IS)) else []
    if parts := of(O.CONTAINS):
        either.append(Comparison(O.CONTAINS, dimension, parts, case_sensitive=False))
    either += [Comparison(O.CONTAINS_NOT, dimension, (text,), case_sensitive=False) for text in of(O.CONTAINS_NOT)]
    return [*never, *(either if len(either) < 2 else [Or(tuple(either))])]


def _value(name: str, dimension: str, text: str) -> str:
    """A value in canonical words. Raises Refused."""
    if text.lower() == "null":
        blank = NO_PROP if dimension.startswith(PROP_PREFIX) else NOT_SET
        return BLANKS.get(D(dimension), blank) if dimension in set(D) else blank
    if dimension == D.COUNTRY:
        if len(text) != 2 or not text.isalpha():
            raise invalid(name, "must be a code of two letters")
        return text.upper()
    return text


def _platform(values: Sequence[str]) -> list[Filter]:
    found: list[Filter] = []
    wanted: tuple[str, ...] = ()
    for value in values:
        operator, text = signed(value)
        if text not in PLATFORMS or operator not in (O.IS, O.IS_NOT):
            raise invalid("platform", "must be desktop, mobile or unknown")
        if operator is O.IS_NOT:
            found.append(Comparison(O.IS_NOT, str(D.DEVICE), PLATFORMS[text]))
        else:
            wanted += PLATFORMS[text]
    return [*found, Comparison(O.IS, str(D.DEVICE), wanted)] if wanted else found


def _patterns(values: Sequence[str]) -> list[Filter]:
    """Regular expressions on the page; the mark is only `!`, for `^` and `~` belong to expressions."""
    denied = [Comparison(O.MATCHES_NOT, str(D.PAGE), (v[1:],)) for v in values if v.startswith("!")]
    wanted = tuple(v for v in values if not v.startswith("!"))
    return [*denied, *([Comparison(O.MATCHES, str(D.PAGE), wanted)] if wanted else [])]


def searched(given: Parameters, dimension: str) -> tuple[Filter, ...]:
    """`search`: a part of the group's name, in any case."""
    text = given.first("search")
    return (Comparison(O.CONTAINS, dimension, (text,), case_sensitive=False),) if text else ()
