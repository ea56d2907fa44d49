"""Templates to responses: no script, no third party, no cookie; the one style sheet is allowed by its digest."""

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import QueryParams
from starlette.responses import HTMLResponse, Response

TEMPLATES = Path(__file__).resolve().parent / "templates"
THEMES = frozenset({"light", "dark", "system"})
COLOUR = re.compile(r"#[0-9A-Fa-f]{3,8}|[A-Za-z]{3,24}")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


@lru_cache(maxsize=1)
def _style() -> str:
    return (TEMPLATES / "style.css").read_text(encoding="utf-8")


class Look:
    """How a page is shown; the names and values are those of Plausible's embedded dashboards."""

    def __init__(self, params: QueryParams) -> None:
        theme, background = params.get("theme", ""), params.get("background", "")
        self.theme = theme if theme in THEMES else "system"
        self.background = background if COLOUR.fullmatch(background) else ""
        self.embedded = params.get("embed") == "true"
        self.wide = params.get("width") == "manual"
        self.kept = {
            name: value
            for name, value in (
                ("embed", "true" if self.embedded else ""),
                ("theme", theme if theme in THEMES else ""),
                ("background", self.background),
                ("width", "manual" if self.wide else ""),
            )
            if value
        }
        """Parameters that the page's own links carry on."""


PLAIN = Look(QueryParams())


def page(template: str, look: Look = PLAIN, status: int = 200, **values: Any) -> Response:
    """An HTML page that no search engine keeps; only a page that asks for it may stand in another site's frame."""
    style = _style() + (f"html:root[data-theme]{{--page:{look.background}}}" if look.background else "")
    html = _environment().get_template(template).render(look=look, style=style, **values)
    return HTMLResponse(html, status, _headers(style, embedded=look.embedded))


def _headers(style: str, *, embedded: bool) -> Mapping[str, str]:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    framed = "*" if embedded else "'none'"
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; "
        f"frame-ancestors {framed}"
    )
    return {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex, nofollow",
    }
