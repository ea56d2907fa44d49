"""docs/pirsch-facade.md names what is served."""

from pathlib import Path

import pytest

from gateway.http.facades.pirsch.routes import ROUTES

PAGE = (Path(__file__).parents[3] / "docs" / "pirsch-facade.md").read_text(encoding="utf-8")
NAMED = ("duration", "utm", "options")
"""Families that the page names with a star."""


@pytest.mark.parametrize("path", sorted({path for _, path, _, _ in ROUTES}))
def test_every_path_is_named(path: str) -> None:
    name = path.removeprefix("/statistics").lstrip("/").removesuffix("/batch")
    first = name.partition("/")[0]
    wanted = f"{first}/*" if first in NAMED else first if first == "domain" and "link" not in name else name
    assert f"`{wanted}`" in PAGE or f"/{wanted}`" in PAGE
