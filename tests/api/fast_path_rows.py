"""Rows that compare fast paths with the ordinary way: requests, right statuses, and how many are answered fast."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

VENDORS, OWN, UNREACHABLE = "demo.example.com", "shop.example.com", "silent.example.com"
QUERY = json.dumps({"site": VENDORS, "metrics": ["visitors"], "date_range": ["2026-06-01", "2026-06-07"]}).encode()
ASKED = "/v1/query?q=" + QUERY.decode().replace(" ", "%20").replace('"', "%22")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
HOST = "stats.example.com"


@dataclass(frozen=True)
class Sent:
    """A request as a server hands it on. `key` is the Bearer key's name; headers win over what is usual."""

    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    key: str = ""
    length: str | None = ""
    """Content-Length: empty for the body's own, None for none."""
    pieces: int = 1
    address: str = "198.51.100.9"
    host: str = HOST
    scheme: str = "Bearer "


def asks(*headers: tuple[str, str], **more: Any) -> Sent:
    """The query that was asked before."""
    given = {"key": "owner", "body": QUERY} | more
    return Sent(given.pop("method", "POST"), given.pop("path", "/v1/query"), headers=headers, **given)


def gets(*headers: tuple[str, str], **more: Any) -> Sent:
    """The same in the address."""
    return asks(*headers, **{"method": "GET", "path": ASKED, "body": b"", "length": None, **more})


def tracks(*headers: tuple[str, str], domain: str = OWN, fields: Mapping[str, Any] | None = None, **more: Any) -> Sent:
    """An event of a browser."""
    event = {"n": "pageview", "u": f"https://{OWN}/", "d": domain, **(fields or {})}
    given = {"body": json.dumps(event).encode()} | more
    return Sent(given.pop("method", "POST"), "/api/event", headers=(("user-agent", FIREFOX), *headers), **given)


@dataclass(frozen=True)
class Row:
    """Requests one after the other, the statuses that are right, and how many of them go the short way."""

    name: str
    requests: tuple[Sent, ...]
    statuses: tuple[int, ...]
    fast: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    breaks: bool = False
    """Whether our own code fails when it takes an event."""

    @property
    def asks(self) -> bool:
        """Whether an answer is to be kept ready first."""
        return any(sent.path.startswith("/v1/query") for sent in self.requests)


def row(name: str, sent: Sent | Sequence[Sent], status: int | Sequence[int], fast: int = 0, **settings: Any) -> Row:
    requests = (sent,) if isinstance(sent, Sent) else tuple(sent)
    statuses = (status,) * len(requests) if isinstance(status, int) else tuple(status)
    return Row(name, requests, statuses, fast, settings)


LARGE = b" " * (64 * 1024 + 1)
HOSTS = (HOST,)
HTTPS = {"public_url": "https://stats.example.com"}

QUERIES = (
    row("as asked before", asks(), 200, 1),
    row("in the address", gets(), 200, 1),
    row("in other words", asks(body=QUERY + b" "), 200),
    row("HEAD", gets(method="HEAD"), 200),
    row("PUT", asks(method="PUT"), 405),
    row("OPTIONS", asks(method="OPTIONS"), 405),
    row("GET with a length", gets(length="0"), 200),
    row("no length", asks(length=None), 200),
    row("a length that is no number", asks(length="many"), 200),
    row("in pieces", asks(pieces=2, length=None), 200),
    row("announced too large", asks(body=LARGE), 413),
    row("found to be too large", asks(body=LARGE, length=None, pieces=3), 413),
    row("a length of very many digits", asks(length="9" * 30), 413),
    row("a body beside a query string", asks(path="/v1/query?x=1"), 200),
    row("no JSON", asks(body=b"{"), 400),
    row("an unknown site", asks(body=QUERY.replace(b"demo", b"none")), 400),
    row("other headers", asks(("accept", "*/*"), ("cookie", "a=b"), ("content-type", "text/plain")), 200, 1),
    row("a header twice", asks(("x-other", "a"), ("x-other", "a")), 200),
    row("two keys", asks(("authorization", "Bearer x")), 401),
    row("bearer in small letters", asks(scheme="bearer "), 200, 1),
    row("bearer in capitals", asks(scheme="BEARER "), 200, 1),
    row("two blanks before the key", asks(scheme="Bearer  "), 200),
    row("Basic", asks(scheme="Basic "), 401),
    row("the key alone", asks(scheme=""), 401),
    row("no key", asks(key=""), 401),
    row("an empty key", asks(("authorization", "Bearer "), key=""), 401),
    row("a key that nobody has", asks(("authorization", "Bearer tw_" + "00" * 20), key=""), 401),
    row("a key that is too long", asks(("authorization", "Bearer " + "k" * 300), key=""), 401),
    row("a key that is no ASCII", asks(("authorization", "Bearer tw_ä"), key=""), 401),
    row("a key in the query string", gets(path=ASKED + "&api_key=tw_x"), 401),
    row("a key in the query string of a POST", asks(path="/v1/query?key=tw_x"), 401),
    row("a key without the scope", asks(key="collector"), 403),
    row("a key of another site", asks(key="stranger"), 400),
    row("a key of this site only", [asks(key="guest")] * 2, 200, 2),
    row("another tenant's key", asks(key="neighbour"), 400),
    row("the tenant by name", asks(("tallyway-tenant", "first")), 200, 1),
    row("no tenant's name", asks(("tallyway-tenant", "")), 403),
    row("another tenant's name", asks(("tallyway-tenant", "second")), 403),
    row("the operator for the tenant", [asks(("tallyway-tenant", "first"), key="operator")] * 2, 200, 2),
    row("the operator for nobody", asks(key="operator"), 400),
    row("a revoked key", [asks(key="guest"), Sent("DELETE", "/v1/keys/{guest}", key="owner"), asks(key="guest")],
        (200, 204, 401), 1),
    row("a changed connection", [Sent("PATCH", "/v1/connections/{vendor}", b'{"name":"new"}', key="owner"), asks()],
        200),
    row("known to the client", asks(("if-none-match", "{etag}")), 304, 1),
    row("known among others", asks(("if-none-match", '"other", W/{etag}')), 304, 1),
    row("known in the address", gets(("if-none-match", "{etag}")), 304, 1),
    row("whatever is known", asks(("if-none-match", "*")), 304, 1),
    row("another answer is known", asks(("if-none-match", '"other"')), 200, 1),
    row("an id", asks(("x-request-id", "an-id-of-mine.1")), 200, 1),
    row("an id for a 304", asks(("x-request-id", "an-id-of-mine.1"), ("if-none-match", "*")), 304, 1),
    row("an id that is too short", asks(("x-request-id", "short")), 200, 1),
    row("an id that breaks a log", asks(("x-request-id", 'with "quotes"')), 200, 1),
    row("a deadline", asks(("request-timeout", "5")), 200),
    row("an idempotency key", asks(("idempotency-key", "once")), 200, 1),
    row("our host", asks(host="STATS.example.com:8443"), 200, 1, hosts=HOSTS),
    row("another host", asks(host="evil.example.com"), 421, hosts=HOSTS),
    row("no host", asks(host=""), 421, hosts=HOSTS),
    row("TLS", asks(), 200, 1, **HTTPS),
    row("TLS and known", asks(("if-none-match", "*")), 304, 1, **HTTPS),
    row("an address that asks too often", [asks(("x-request-id", f"request-{n}")) for n in range(7)],
        (*(200,) * 6, 429), 6, address_rate_limit=6),
    row("an address that asks too often, by TLS", [gets() for _ in range(7)], (*(200,) * 6, 429), 6,
        address_rate_limit=6, **HTTPS),
    row("an address that a proxy names", [asks(("x-forwarded-for", "203.0.113.7"), address="127.0.0.1")] * 7,
        (*(200,) * 6, 429), 6, address_rate_limit=6),
    row("a proxy that names nobody", [asks(address="127.0.0.1")] * 7, 200, 7, address_rate_limit=6),
    row("a network of version 6", [asks(address=f"2001:db8::{n}") for n in range(7)], (*(200,) * 6, 429), 6,
        address_rate_limit=6),
    row("a key that asks too often", [asks() for _ in range(4)], (200, 200, 429, 429), 2, key_rate_limit=8),
    row("a key that asks too often, some by the ordinary way", [asks(), asks(length=None), asks(), asks(length=None)],
        (200, 200, 429, 429), 1, key_rate_limit=8),
    row("the operator is not limited by key", [asks(("tallyway-tenant", "first"), key="operator")] * 9, 200, 9,
        key_rate_limit=8),
    row("guesses bar the right key",
        [asks(key="~owner"), asks(), asks(key="~owner"), asks(), asks(address="192.0.2.1")],
        (401, 200, 401, 429, 200), 2, auth_failure_limit=2),
    row("a quota", [Sent("PUT", "/v1/tenants/first/quotas", b'{"api_calls_per_hour":19}', key="operator"),
        *[asks()] * 4],
        (200, 200, 200, 402, 402), 1),
    row("a quota and a limit", [Sent("PUT", "/v1/tenants/first/quotas", b'{"api_calls_per_hour":1}', key="operator"),
        *[asks()] * 3], (200, 402, 402, 429), 0, key_rate_limit=8),
)  # fmt: skip

BOT = "Googlebot/2.1 (+http://www.google.com/bot.html)"
EVENTS = (
    row("an event", tracks(), 202, 1),
    row("an event across origins", tracks(("origin", f"https://{OWN}"), ("referer", f"https://{OWN}/")), 202, 1),
    row("another word for the type", tracks(("content-type", "text/plain")), 202, 1),
    row("an event for the vendor", tracks(domain=VENDORS), 202, 1),
    row("an unknown domain", tracks(domain="nobody.example"), 202, 1),
    row("a robot", tracks(("user-agent", BOT)), 202),
    row("a robot alone", Sent("POST", "/api/event", tracks().body, (("user-agent", BOT),)), 202, 1),
    row("several domains", tracks(domain=f"{OWN},nobody.example"), 202),
    row("no JSON", tracks(body=b"{"), 400),
    row("no body", tracks(body=b""), 400),
    row("missing fields", tracks(body=b'{"n":"pageview"}'), 400),
    row("a wrong field", tracks(fields={"u": "no address"}), 400),
    row("no length", tracks(length=None), 202),
    row("in pieces", tracks(length=None, pieces=3), 202),
    row("announced too large", tracks(body=b" " * 2000), 413, event_body_limit=1024),
    row("found to be too large", tracks(body=b" " * 2000, length=None, pieces=2), 413, event_body_limit=1024),
    row("a header twice", tracks(("x-other", "a"), ("x-other", "b")), 202),
    row("two lists of proxies", tracks(("x-forwarded-for", "203.0.113.7"), ("x-forwarded-for", "10.0.0.1")), 202),
    row("a key, which is not asked for", tracks(key="owner"), 202, 1),
    row("GET", tracks(method="GET"), 405),
    row("a browser that asks first", tracks(("origin", f"https://{OWN}"), method="OPTIONS", body=b""), 204),
    row("an id", tracks(("x-request-id", "an-id-of-mine.1")), 202, 1),
    row("an id of no length", tracks(("x-request-id", "")), 202, 1),
    row("our host", tracks(), 202, 1, hosts=HOSTS),
    row("another host", tracks(host="evil.example.com"), 421, hosts=HOSTS),
    row("TLS", tracks(), 202, 1, **HTTPS),
    row("TLS and an unknown domain", tracks(domain="nobody.example"), 202, 1, **HTTPS),
    row("an address that sends too often", [tracks() for _ in range(4)], (202, 202, 429, 429), 2, event_rate_limit=2),
    row("an address that sends too often, by TLS", [tracks() for _ in range(3)], (202, 202, 429), 2,
        event_rate_limit=2, **HTTPS),
    row("too often, some by the ordinary way", [tracks(), tracks(length=None), tracks(), tracks(length=None)],
        (202, 202, 429, 429), 1, event_rate_limit=2),
    row("the limit of addresses is not for events", [tracks() for _ in range(4)], 202, 4, address_rate_limit=2),
    row("a quota", [Sent("PUT", "/v1/tenants/first/quotas", b'{"events_per_month":2}', key="operator"),
        *[tracks()] * 3], (200, 202, 202, 202), 3),
    row("a vendor that does not answer", tracks(domain=UNREACHABLE), 503, 1),
    replace(row("our own failure", tracks(), 500, 1), breaks=True),
    replace(row("our own failure, by TLS", tracks(), 500, 1, **HTTPS), breaks=True),
)  # fmt: skip
