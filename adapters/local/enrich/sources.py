"""Names and categories of traffic sources: the free lists of `data/` with our own tables before them."""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files

from adapters.local.enrich import own_sources

DATA = files("adapters.local.enrich") / "data"
CACHE_SIZE = 4096


class Category(StrEnum):
    """What kind of place a source is; it decides the channel."""

    AI = "ai"
    EMAIL = "email"
    SEARCH = "search"
    SHOPPING = "shopping"
    SOCIAL = "social"
    VIDEO = "video"


# The lists in order of precedence, and whether subdomains of their hosts belong to the source too. Search engines
# list their hosts one by one: images.google.com is another source than google.com.
LISTS = ((Category.AI, True), (Category.SOCIAL, True), (Category.SEARCH, False))


@dataclass(frozen=True, slots=True)
class Index:
    """The lists, turned round for look-up. Hosts and lower-cased names are the keys."""

    exact: dict[str, str]
    with_subdomains: dict[str, str]
    paths: dict[str, tuple[tuple[str, str], ...]]
    shapes: tuple[tuple[re.Pattern[str], str], ...]
    names: dict[str, str]
    categories: dict[str, Category]


@cache
def _index() -> Index:
    exact: dict[str, str] = {}
    with_subdomains: dict[str, str] = {}
    paths: dict[str, list[tuple[str, str]]] = {}
    shapes: list[tuple[re.Pattern[str], str]] = []
    names: dict[str, str] = {}
    categories = {name.lower(): Category(kind) for kind, group in own_sources.CATEGORIES.items() for name in group}

    def add(name: str, host: str, *, subdomains: bool) -> None:
        host, slash, path = host.lower().removeprefix("www.").partition("/")
        if "{}" in host and not slash:
            shapes.append((_shape(host), name))
        elif slash and path and "{}" not in host and host != "android-app":
            paths.setdefault(host, []).append((f"/{path}", name))
        elif not slash and subdomains:
            with_subdomains.setdefault(host, name)
        elif not slash:
            exact.setdefault(host, name)

    for name, hosts in own_sources.HOSTS.items():
        names.setdefault(name.lower(), name)
        for host in hosts:
            add(name, host, subdomains=True)
    lists = json.loads((DATA / "sources.json").read_text(encoding="utf-8"))
    for category, subdomains in LISTS:
        for listed, hosts in lists[category].items():
            name = own_sources.RENAMED.get(listed, listed)
            names.setdefault(name.lower(), name)
            categories.setdefault(name.lower(), category)
            for host in hosts:
                add(name, host, subdomains=subdomains)
    frozen = {host: tuple(sorted(rules, key=lambda rule: -len(rule[0]))) for host, rules in paths.items()}
    return Index(exact, with_subdomains, frozen, tuple(shapes), names, categories)


def _shape(host: str) -> re.Pattern[str]:
    """`google.{}` stands for any country's ending, `{}.bing.com` for a country's prefix."""
    head, _, tail = host.partition("{}")
    hole = r"[a-z]{2,3}(?:\.[a-z]{2})?" if not tail else r"[a-z]{2}(?:-[a-z]{2})?"
    prefix = r"(?:www\.)?" if head else ""
    return re.compile(prefix + re.escape(head) + hole + re.escape(tail))


def warm() -> None:
    """Load the lists now instead of at the first event."""
    _index()


@lru_cache(maxsize=CACHE_SIZE)
def name_of_host(host: str, path: str = "") -> str:
    """The source behind a referring host (lower case) or Android package; "" when no list knows it."""
    index = _index()
    host = host.removeprefix("www.")
    for prefix, name in index.paths.get(host, ()):
        if path.startswith(prefix):
            return name
    if found := index.exact.get(host):
        return found
    for name in _parents(host):
        if found := index.with_subdomains.get(name):
            return found
    return next((name for shape, name in index.shapes if shape.fullmatch(host)), "")


def _parents(host: str) -> list[str]:
    labels = host.split(".")
    return [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]


@lru_cache(maxsize=CACHE_SIZE)
def canonical(tag: str) -> str:
    """The name under which a tagged source is reported; the tag itself when nobody knows it."""
    key = tag.strip().lower()
    if alias := own_sources.ALIASES.get(key):
        return alias
    if name := _index().names.get(key):
        return name
    return (name_of_host(key) if "." in key else "") or tag.strip()


@lru_cache(maxsize=CACHE_SIZE)
def category(source: str) -> Category | None:
    """The kind of place a canonical source is, None when unknown."""
    return _index().categories.get(source.lower())
