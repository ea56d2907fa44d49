"""What we know of uvicorn from inside is still so. A failure here means: read uvicorn's changes before going on.

`gateway/http/server/uvicorn_protocol.py` and `uvicorn_cycle.py` subclass classes that uvicorn does not publish
(docs/decisions/0008). The digests tell that a line of them changed, the other tests which of our lines no longer fits.
"""

import ast
import hashlib
import importlib.metadata
import inspect
import tomllib
from pathlib import Path
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gateway.http.server.uvicorn_cycle import Cycle
from gateway.http.server.uvicorn_protocol import Flow, PacedHttpProtocol

KNOWN, NEXT = "0.54", "0.55"
DIGESTS: dict[type, str] = {
    FlowControl: "c65dd06c78e3ca65",
    HttpToolsProtocol: "7803929290cb172a",
    RequestResponseCycle: "ca92fd2c885a2885",
}
"""Of the source of each class as it was read; whoever has read the difference writes the new one."""
OURS = {Flow: FlowControl, PacedHttpProtocol: HttpToolsProtocol, Cycle: RequestResponseCycle}
REACHED: list[tuple[type, str, type]] = [
    (PacedHttpProtocol, "self", HttpToolsProtocol),
    (Cycle, "self", RequestResponseCycle),
    *((own, "super()", base) for own, base in OURS.items()),
    (PacedHttpProtocol, "cycle", RequestResponseCycle),
    (PacedHttpProtocol, "self.cycle", RequestResponseCycle),
    (PacedHttpProtocol, "self._answering", RequestResponseCycle),
    (PacedHttpProtocol, "self.flow", FlowControl),
    (Cycle, "self.flow", FlowControl),
]
"""In which class of ours, through what, names of which class of uvicorn are used."""


def tree_of(cls: type) -> ast.Module:
    return ast.parse(inspect.getsource(cls))


def attributes(cls: type, through: str, *, written: bool = False) -> set[str]:
    """Names that follow `through` and a dot in the source of a class; `written`: only those that are assigned."""
    return {
        node.attr
        for node in ast.walk(tree_of(cls))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node.value) == through
        and (not written or isinstance(node.ctx, ast.Store))
    }


def test_the_installed_version_is_the_one_that_was_read() -> None:
    installed = importlib.metadata.version("uvicorn")
    assert installed.startswith(f"{KNOWN}."), f"uvicorn {installed}: read its changes to the classes below"
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"uvicorn>={KNOWN},<{NEXT}" in project["dependencies"]


@pytest.mark.parametrize(("cls", "digest"), DIGESTS.items(), ids=lambda given: getattr(given, "__name__", ""))
def test_the_source_is_the_one_that_was_read(cls: type, digest: str) -> None:
    found = hashlib.blake2b(inspect.getsource(cls).encode(), digest_size=8).hexdigest()
    assert found == digest, f"uvicorn's {cls.__name__} has changed: read how, then write the new digest"


@pytest.mark.parametrize(("own", "through", "base"), REACHED)
def test_every_name_that_we_use_is_there(own: type, through: str, base: type) -> None:
    ours: set[str] = set() if through != "self" else {*vars(own), *inspect.get_annotations(own)}
    used = attributes(own, through) - ours
    assert used, "the table is out of date"
    assert used - {*dir(base), *attributes(base, "self", written=True)} == set()


@pytest.mark.parametrize(("own", "base"), OURS.items())
def test_every_method_that_we_replace_takes_what_it_took(own: Any, base: Any) -> None:
    replaced = [name for name in vars(own) if inspect.isfunction(getattr(base, name, None)) and name != "__init__"]
    assert replaced
    for name in replaced:
        assert [*inspect.signature(getattr(own, name)).parameters] == [
            *inspect.signature(getattr(base, name)).parameters
        ]


def test_a_status_line_is_complete() -> None:
    assert STATUS_LINE[200] == b"HTTP/1.1 200 OK\r\n"
