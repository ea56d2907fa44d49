"""What is recorded of an event: given fields stay, missing ones are derived, the rest is refused with a reason."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from adapters.local.collect.bulk_event import BulkEvent
from adapters.local.collect.derive import Derivation
from adapters.local.collect.hit import NO_DEPTH, Hit, pack_hits, unpack_attributes
from adapters.local.collect.rules import MinuteLimits, compile_rules
from adapters.local.enrich.geo import Geo
from adapters.local.enrich.visitor import Salts
from adapters.local.store.schema import VISIT_ATTRIBUTES
from models.errors import InvalidRequest
from models.event import Drop, Event, Received
from models.settings import Exclusions, SiteSettings
from tests.unit_adapters.local.wiring import CHROME, NOW, SITE

BROWSER = Received(ip="2a00:1450:4001:80b::200e", user_agent=CHROME, accept_language="de-DE,de;q=0.9")


@pytest.fixture(scope="module")
def derivation() -> Iterator[Derivation]:
    with Geo.open() as geo:
        yield Derivation(Salts(), geo)


def taken(
    derivation: Derivation,
    received: Received | None = None,
    settings: SiteSettings | None = None,
    now: datetime = NOW,
    **fields: Any,
) -> Hit | Drop:
    event = Event(**{"name": "pageview", "time": NOW} | fields)
    return derivation.hit(SITE, event, received, compile_rules(settings or SiteSettings()), now)


def attributes(hit: Hit | Drop) -> dict[str, str]:
    assert isinstance(hit, Hit)
    return dict(zip(VISIT_ATTRIBUTES, unpack_attributes(hit.attributes), strict=True))


def reason(result: Hit | Drop) -> str:
    return result.reason if isinstance(result, Drop) else ""


def test_a_trackers_page_view_is_derived_from_address_agent_and_page(derivation: Derivation) -> None:
    hit = taken(
        derivation, BROWSER, url="https://www.example.com/a%20b?utm_source=newsletter&utm_medium=email&x=1",
        referrer="https://www.google.com/search?q=secret",
    )  # fmt: skip
    assert isinstance(hit, Hit)
    assert (hit.hostname, hit.path, hit.time) == ("example.com", "/a b", int(NOW.timestamp()))
    found = attributes(hit)
    assert {k: found[k] for k in ("source", "channel", "referrer", "utm_source", "utm_medium")} == {
        "source": "newsletter", "channel": "Email", "referrer": "google.com/search", "utm_source": "newsletter",
        "utm_medium": "email",
    }  # fmt: skip
    assert (found["browser"], found["os"], found["device"], found["language"]) == ("Chrome", "Windows", "Desktop", "de")


def test_neither_address_nor_agent_is_journaled(derivation: Derivation) -> None:
    hit = taken(derivation, BROWSER, url="https://example.com/", referrer="https://google.com/?q=secret")
    assert isinstance(hit, Hit)
    packed = pack_hits([hit])
    for private in (BROWSER.ip.encode(), CHROME.encode(), b"secret", b"Mozilla"):
        assert private not in packed


def test_given_fields_are_kept_as_given(derivation: Derivation) -> None:
    given: dict[str, Any] = {
        "source": "Partner", "channel": "Referral", "utm_campaign": "spring", "country": "FR", "region": "FR-75",
        "city": "2988507", "device": "Tablet", "browser": "Lynx", "browser_version": "2.8", "os": "Plan 9",
        "os_version": "4", "language": "fr", "screen": "Laptop", "referrer": "partner.example/page",
    }  # fmt: skip
    hit = taken(
        derivation, BROWSER, url="https://example.com/?utm_source=x&utm_campaign=y", hostname="shop", path="/p", **given
    )
    assert isinstance(hit, Hit)
    assert (hit.hostname, hit.path) == ("shop", "/p")
    assert {k: attributes(hit)[k] for k in given} == given


def test_an_event_without_page_has_the_path_slash(derivation: Derivation) -> None:
    hit = taken(derivation, visitor="u")
    assert isinstance(hit, Hit)
    assert (hit.hostname, hit.path, hit.scroll_depth, hit.amount, hit.earlier) == ("", "/", NO_DEPTH, None, 0)


def test_named_visitors_are_stable_and_differ_between_sites(derivation: Derivation) -> None:
    first, again, other = (taken(derivation, visitor=name) for name in ("u1", "u1", "u2"))
    assert isinstance(first, Hit)
    assert isinstance(again, Hit)
    assert isinstance(other, Hit)
    elsewhere = derivation.hit(
        SITE.model_copy(update={"id": "site_2"}), Event(name="x", time=NOW, visitor="u1"), None,
        compile_rules(SiteSettings()), NOW,
    )  # fmt: skip
    assert isinstance(elsewhere, Hit)
    assert first.visitor == again.visitor
    assert len({first.visitor, other.visitor, elsewhere.visitor}) == 3


def test_fingerprinted_visitors_change_with_the_day(derivation: Derivation) -> None:
    def visitor(days: int) -> int:
        hit = taken(
            derivation, ip="192.0.2.1", user_agent=CHROME, time=NOW - timedelta(days=days), url="https://example.com/"
        )
        assert isinstance(hit, Hit)
        return hit.visitor

    assert visitor(3) == visitor(3)
    assert len({visitor(0), visitor(1), visitor(2), visitor(3)}) == 4


def test_a_visitor_at_midnight_is_also_known_by_yesterdays_number() -> None:
    with Geo.open() as geo:
        derivation = Derivation(Salts(), geo)
        midnight = datetime(2026, 11, 21, tzinfo=UTC)
        before = taken(derivation, BROWSER, now=midnight - timedelta(minutes=1), time=midnight - timedelta(minutes=1))
        after = taken(derivation, BROWSER, now=midnight + timedelta(minutes=1), time=midnight + timedelta(minutes=1))
    assert isinstance(before, Hit)
    assert isinstance(after, Hit)
    assert after.earlier == before.visitor != after.visitor


def test_refusals_have_reasons(derivation: Derivation) -> None:
    page = "https://example.com/"
    assert reason(taken(derivation, Received(ip="192.0.2.1", user_agent="Googlebot/2.1"), url=page)) == "bot"
    assert reason(taken(derivation, Received(ip="192.0.2.1"), url=page)) == "bot"
    assert reason(taken(derivation, BROWSER, url=page, referrer="https://semalt.com/")) == "spam_referrer"
    assert reason(taken(derivation, visitor="u", time=NOW + timedelta(hours=24, seconds=1))) == "future"
    assert reason(taken(derivation, visitor="u", time=datetime(1969, 12, 31, tzinfo=UTC))) == "past"
    assert reason(taken(derivation)) == "no_visitor"
    assert reason(taken(derivation, visitor="u", url="nonsense")) == "invalid"
    assert reason(taken(derivation, visitor="u", revenue={"amount": 1e15, "currency": "EUR"})) == "invalid"


def test_clocks_a_day_ahead_and_any_past_are_taken(derivation: Derivation) -> None:
    assert isinstance(taken(derivation, visitor="u", time=NOW + timedelta(hours=24)), Hit)
    assert isinstance(taken(derivation, visitor="u", time=datetime(1970, 1, 1, tzinfo=UTC)), Hit)


def test_money_is_kept_in_thousandths(derivation: Derivation) -> None:
    amounts = [(49.95, 49950), (0.1 + 0.2, 300), (-3, -3000), (0.0005, 0)]
    for given, kept in amounts:
        hit = taken(derivation, visitor="u", revenue={"amount": given, "currency": "EUR"})
        assert isinstance(hit, Hit)
        assert (hit.amount, hit.currency) == (kept, "EUR")


EXCLUDED = SiteSettings(
    exclude=Exclusions(
        addresses=("192.0.2.0/28", "2001:db8::1"), countries=("fr",), pages=("/admin*", "/a.b"), hostnames=("*.local",)
    )
)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ip": "192.0.2.15"}, "excluded_address"),
        ({"ip": "::ffff:192.0.2.15"}, "excluded_address"),
        ({"ip": "192.0.2.16"}, ""),
        ({"ip": "2001:db8::1"}, "excluded_address"),
        ({"country": "FR"}, "excluded_country"),
        ({"country": "DE"}, ""),
        ({"path": "/admin/users"}, "excluded_page"),
        ({"path": "/aXb"}, ""),
        ({"hostname": "dev.local"}, "excluded_hostname"),
        ({"hostname": "local"}, ""),
    ],
)
def test_exclusions(derivation: Derivation, fields: dict[str, Any], expected: str) -> None:
    assert reason(taken(derivation, settings=EXCLUDED, **({"visitor": "u"} | fields))) == expected


@pytest.mark.parametrize(
    ("given", "excluded", "counted"),
    [
        ({"addresses": ("::ffff:192.0.2.0/120",)}, {"ip": "192.0.2.15"}, {"ip": "192.0.3.1"}),
        ({"addresses": ("::ffff:c000:20f",)}, {"ip": "::ffff:192.0.2.15"}, {"ip": "192.0.2.16"}),
        ({"addresses": ("::/0",)}, {"ip": "2001:db8::1"}, {"ip": "192.0.2.15"}),
        ({"hostnames": ("www.Dev.example.com",)}, {"hostname": "dev.example.com"}, {"hostname": "example.com"}),
        ({"hostnames": ("www.*",)}, {"hostname": "www.example.com"}, {"hostname": "example.com"}),
        ({"only_hostnames": ("WWW.example.com",)}, {"hostname": "example.org"}, {"hostname": "example.com"}),
    ],
)  # fmt: skip
def test_exclusions_are_read_as_what_they_are_compared_with(
    derivation: Derivation, given: dict[str, Any], excluded: dict[str, Any], counted: dict[str, Any]
) -> None:
    settings = SiteSettings(exclude=Exclusions(**given))
    reasons = [reason(taken(derivation, settings=settings, visitor="u", **fields)) for fields in (excluded, counted)]
    assert (reasons[0].startswith("excluded_"), reasons[1]) == (True, "")


@pytest.mark.parametrize("address", ["::ffff:8.8.8.8", "::FFFF:808:808", "0:0:0:0:0:ffff:8.8.8.8"])
def test_a_mapped_address_is_the_visitor_and_the_place_of_the_plain_one(derivation: Derivation, address: str) -> None:
    plain, mapped = (
        [taken(derivation, Received(ip, CHROME), url="https://example.com/"), taken(derivation, ip=ip)]
        for ip in ("8.8.8.8", address)
    )
    assert mapped == plain
    assert attributes(mapped[1])["country"] == "US"


def test_only_listed_hostnames_count(derivation: Derivation) -> None:
    settings = SiteSettings(exclude=Exclusions(only_hostnames=("example.com", "*.example.com")))
    said = [
        reason(taken(derivation, settings=settings, visitor="u", hostname=h))
        for h in ("example.com", "a.example.com", "x.org")
    ]
    assert said == ["", "", "excluded_hostname"]


def test_addresses_that_are_none_are_refused_with_their_place() -> None:
    with pytest.raises(InvalidRequest) as refused:
        compile_rules(SiteSettings(exclude=Exclusions(addresses=("192.0.2.1", "office"))))
    assert [problem.field for problem in refused.value.problems] == ["exclude.addresses[1]"]


def test_privacy_signals_count_only_where_the_site_respects_them() -> None:
    asked = Received(ip="192.0.2.1", headers={"dnt": "1", "sec-gpc": "1"})
    respects = [
        compile_rules(SiteSettings(respect_do_not_track=dnt, respect_global_privacy_control=gpc)).refuse_signals(asked)
        for dnt, gpc in ((False, False), (True, False), (False, True))
    ]
    assert respects == ["", "do_not_track", "global_privacy_control"]


def test_limits_hold_for_a_minute() -> None:
    limits = MinuteLimits()
    settings = SiteSettings(events_per_minute=3, events_per_minute_and_address=2)
    allowed = [limits.allow("s", address, settings, 60) for address in ("a", "a", "a", "b", "b")]
    assert allowed == [True, True, False, True, False]
    assert limits.allow("s", "a", settings, 120)
    assert limits.allow("other", "a", settings, 120)


def test_lines_have_the_fields_of_events_and_give_the_same_hits(derivation: Derivation) -> None:
    assert set(BulkEvent.__struct_fields__) == set(Event.model_fields)
    text = (
        b'{"name":"buy","time":"2026-11-20T11:00:00.9+01:00","visitor":"u","url":"https://example.com/p","city":2950159,'
        b'"props":{"plan":"pro","n":2,"yes":true,"blank":" "},'
        b'"revenue":{"amount":9.99,"currency":"EUR"},"interactive":false}'
    )
    rules = compile_rules(SiteSettings())
    line = derivation.hit(SITE, msgspec.json.decode(text, type=BulkEvent), None, rules, NOW)
    assert line == derivation.hit(SITE, Event.model_validate_json(text), None, rules, NOW)
    assert isinstance(line, Hit)
    assert (line.props, line.time) == ({"plan": "pro", "n": "2", "yes": "true"}, int(NOW.timestamp()) - 7200)
