"""Below the transport: addresses, bodies and headers are httpx2's, byte for byte, and answers are read as it does."""

import gzip
import zlib

import httpcore2
import httpx2
import pytest

from adapters.base import Request
from adapters.http import HttpTransport, open_transport
from adapters.wire import url_of
from models.errors import Unintelligible, Unreachable

BASE = "https://stats.example:8443/p"


def answering(response: httpx2.Response, seen: list[httpx2.Request] | None = None) -> HttpTransport:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if seen is not None:
            seen.append(request)
        return response

    return open_transport(BASE, headers={"authorization": "Bearer k"}, wire=httpx2.MockTransport(answer))


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/a b/ü%2F/../c?x=1"),
        Request("GET", "/a", params=(("q", "a b&c=d/é+%"), ("q", "2"), ("empty", ""))),
        Request("delete", "/a"),
        Request("DELETE", "/a", json={"why": 1}),
        Request("POST", "/a"),
        Request("POST", "/a", json=[]),
        Request("PUT", "/a", content=b"\x00\xff", headers={"Content-Type": "application/x"}),
        Request("POST", "/a", json=1, headers={"Content-Type": "application/vnd.a+json", "Authorization": "other"}),
        Request("POST", "/a", form={"a": "b c&", "é": "1"}),
        Request("POST", "/a", form={}),
        Request(
            "POST",
            "/a",
            form={"a": "b"},
            files={"f": ("x.zip", b"PK\x00", "application/zip")},
            headers={"content-type": "multipart/form-data; boundary=xx"},
        ),
    ],
    ids=str,
)
async def test_a_request_is_the_one_that_httpx2_would_send(request_: Request) -> None:
    seen: list[httpx2.Request] = []
    await answering(httpx2.Response(200), seen).send(request_)
    own = {name.lower(): value for name, value in request_.headers.items()}
    media = {"content-type": "application/json"} if request_.json is not None else {}
    wanted = httpx2.Request(
        request_.method,
        f"{BASE}{request_.path}",
        params=list(request_.params) or None,
        headers={
            "accept": "*/*",
            "accept-encoding": "gzip, deflate",
            "connection": "keep-alive",
            "user-agent": "tallyway",
            "authorization": "Bearer k",
            **media,
            **own,
        },
        content=httpx2.Request("POST", "/", json=request_.json).read() if media else request_.content,
        data=dict(request_.form) if request_.form is not None else None,
        files=dict(request_.files) if request_.files is not None else None,
    )
    (sent,) = seen
    assert (sent.method, sent.url.raw_path, sent.url.netloc) == (wanted.method, wanted.url.raw_path, wanted.url.netloc)
    assert sent.read() == wanted.read()
    assert sorted(sent.headers.multi_items()) == sorted(wanted.headers.multi_items())
    assert sent.headers["host"] == "stats.example:8443"


async def test_a_form_with_files_carries_its_boundary() -> None:
    seen: list[httpx2.Request] = []
    asked = Request("POST", "/a", form={"a": "b"}, files={"f": ("x.zip", b"PK", "application/zip")})
    await answering(httpx2.Response(200), seen).send(asked)
    media, _, boundary = seen[0].headers["content-type"].partition("; boundary=")
    assert media == "multipart/form-data"
    assert boundary.encode() in seen[0].read()


@pytest.mark.parametrize("path", ["//other.example/a", "/@other.example/", "/\\other.example", "/..//../a"])
def test_no_path_leads_to_another_host(path: str) -> None:
    found = url_of(BASE, path, ())
    assert (found.scheme, found.host, found.port) == (b"https", b"stats.example", 8443)


@pytest.mark.parametrize("path", ["/a\r\nx-evil: 1", "/a\x00"])
async def test_a_path_with_control_characters_is_not_sent(path: str) -> None:
    seen: list[httpx2.Request] = []
    with pytest.raises(Unreachable):
        await answering(httpx2.Response(200), seen).send(Request("GET", path))
    assert seen == []


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"rows" * 1000, mtime=0)),
        ("deflate", zlib.compress(b"rows" * 1000)),
        ("identity", b"rows" * 1000),
        ("unheard-of", b"rows" * 1000),
    ],
)
async def test_a_compressed_body_is_read(encoding: str, body: bytes) -> None:
    response = httpx2.Response(200, headers={"Content-Encoding": encoding}, stream=httpx2.ByteStream(body))
    assert (await answering(response).send(Request("GET", "/"))).body == b"rows" * 1000


async def test_a_body_that_is_not_compressed_as_it_says_is_unintelligible() -> None:
    response = httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=httpx2.ByteStream(b"plain"))
    with pytest.raises(Unintelligible):
        await answering(response).send(Request("GET", "/"))


async def test_headers_are_read_by_name_and_joined_where_they_came_twice() -> None:
    response = httpx2.Response(200, headers=[(b"X-A", b"1"), (b"x-a", b"2"), (b"X-B", "é".encode()), (b"x-c", b"\xe9")])
    reply = await answering(response).send(Request("GET", "/"))
    assert {name: reply.headers[name] for name in ("x-a", "x-b", "x-c")} == {"x-a": "1, 2", "x-b": "é", "x-c": "é"}


def test_parameters_are_not_remembered_with_their_path() -> None:
    assert url_of(BASE, "/a", (("token", "1"),)).target == b"/p/a?token=1"
    assert url_of(BASE, "/a", ()).target == b"/p/a"
    assert url_of("http://[::1]:8000", "/a", ()).host == b"::1"
    assert isinstance(url_of(BASE, "/a", ()), httpcore2.URL)
