"""Many requests over real sockets: one call for a thousand equal questions, and memory that does not grow."""

import json
import resource
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.api.conftest import NOW, Api, new_owner
from tests.api.held import HeldVendor, held_vendor, until
from tests.serving import READY_SECONDS, Served, serve

WAITERS = 1000
MOST_GROWTH = 10 * 2**20
BATCH = 50


@contextmanager
def many_files(count: int) -> Iterator[None]:
    """Room for so many sockets here and in the server that is started inside."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"this machine allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def gateway(folder: Path, **more: str) -> Iterator[tuple[Served, HeldVendor, Api, str]]:
    """A gateway of its own, a vendor behind it, and the domain of the vendor's site."""
    allowed = {"ALLOW_HTTP": "true", "ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8", "NOW": NOW}
    with held_vendor() as (vendor, base), serve(folder, ready_within=READY_SECONDS, **allowed, **more) as served:
        owner = new_owner(Api(served.base, served.key))
        yield served, vendor, owner, vendor.connect(owner, base)


def request(api: Api, body: object, path: str = "/v1/query") -> bytes:
    content = json.dumps(body).encode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {api.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    ).encode() + content


class Line:
    """A connection that sends many requests at once and reads their answers one by one."""

    def __init__(self, base: str) -> None:
        place = urlsplit(base)
        self._socket = socket.create_connection((place.hostname, place.port), timeout=60)
        self._held = b""

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self) -> tuple[int, bytes]:
        """Status and head of the next answer; its body is passed over."""
        while (end := self._held.find(b"\r\n\r\n")) < 0:
            self._more()
        head = self._held[: end + 4]
        lower = head.lower()
        at = lower.index(b"content-length:") + 15
        length = int(lower[at : lower.index(b"\r\n", at)])
        while len(self._held) < end + 4 + length:
            self._more()
        self._held = self._held[end + 4 + length :]
        return int(head[9:12]), lower

    def _more(self) -> None:
        received = self._socket.recv(1 << 16)
        assert received, "the server hung up"
        self._held += received

    def close(self) -> None:
        self._socket.close()


def test_a_thousand_equal_questions_at_once_are_one_call(tmp_path: Path) -> None:
    with many_files(WAITERS + 200), gateway(tmp_path) as (served, vendor, owner, site), ExitStack() as stack:
        asked, other = (
            request(owner, {"site": site, "metrics": ["visitors"], "date_range": range_}) for range_ in ("7d", "8d")
        )
        vendor.holding.set()
        lines = [Line(served.base) for _ in range(WAITERS)]
        for line in lines:
            stack.callback(line.close)
            line.send(asked)
        stack.callback((last := Line(served.base)).close)
        last.send(other)
        until(lambda: len(vendor.asked) == 2)  # what was sent behind all of them has come through
        behind = Api(served.base, served.key)
        for _ in range(50):  # connections and the catalog's work are taken in order: by now all came to the question
            assert behind.send("GET", "/v1/tenants").status_code == 200
        vendor.holding.clear()
        answers = [line.answer() for line in lines]

        assert {status for status, _ in answers} == {200}
        assert all(b"cache-status: tallyway; fwd=miss" in head for _, head in answers)
        assert vendor.asked.count(("POST", "/api/v2/query")) == 2


def memory_of(served: Served) -> float:
    """Resident bytes of the server."""
    text = Api(served.base, served.key).send("GET", "/metrics").text
    return float(
        next(line for line in text.splitlines() if line.startswith("process_resident_memory_bytes")).split()[1]
    )


def a_hundred(owner: Api, site: str, number: int) -> list[bytes]:
    """Answers that are kept, calls to the vendor, questions never asked before, mistakes, and strangers."""
    query = {"site": site, "metrics": ["visitors"], "date_range": "7d"}
    stranger = Api(owner.base, f"tw_{number:040}")
    return [
        *[request(owner, query)] * 80,
        *(request(owner, {**query, "limit": 1 + (5 * number + n) % 9000, "offset": n}) for n in range(5)),
        *(request(owner, {**query, "metrics": [f"m{number}-{n}"]}) for n in range(8)),
        *(request(owner, {**query, "site": f"nobody-{number}-{n}.example.com"}) for n in range(5)),
        request(stranger, query),
        request(owner, query, f"/no/such/address/{number}"),
    ]


def asked_for(served: Served, owner: Api, site: str, hundreds: range) -> Counter[int]:
    """Answers by status."""
    statuses: Counter[int] = Counter()
    with closing(Line(served.base)) as line:
        for number in hundreds:
            requests = a_hundred(owner, site, number)
            for first in range(0, len(requests), BATCH):
                part = requests[first : first + BATCH]
                line.send(b"".join(part))
                statuses.update(line.answer()[0] for _ in part)
    return statuses


def grown(folder: Path, warm: int, count: int) -> float:
    """By how many bytes the server grew over so many hundreds of requests, after others had filled what is bounded."""
    with gateway(folder, CACHE_BYTES=str(2**20), ACCESS_LOG="false", AUTH_FAILURE_LIMIT="0", KEY_RATE_LIMIT="0") as (
        served,
        vendor,
        owner,
        site,
    ):
        asked_for(served, owner, site, range(warm))
        before = memory_of(served)
        statuses = asked_for(served, owner, site, range(warm, warm + count))
        growth = memory_of(served) - before
        calls = vendor.asked.count(("POST", "/api/v2/query"))
    assert sum(statuses.values()) == 100 * count
    assert statuses.keys() <= {200, 400, 401, 404, 429}, statuses
    assert statuses[200] >= 80 * count
    assert calls > count, "there were misses"
    return growth


def test_twenty_thousand_requests_grow_the_server_by_less_than_ten_megabytes(tmp_path: Path) -> None:
    assert grown(tmp_path, warm=100, count=200) < MOST_GROWTH


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_million_requests_grow_the_server_by_less_than_ten_megabytes(tmp_path: Path) -> None:
    assert grown(tmp_path, warm=1000, count=10_000) < MOST_GROWTH
