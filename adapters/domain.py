"""Domains: what may be registered as a site, and the registrable part of a host.

The public suffix list travels with `publicsuffixlist`; nothing is fetched.
"""

import re
from functools import cache, lru_cache
from ipaddress import IPv4Address

import idna
from publicsuffixlist import PublicSuffixList

NO_HOST = "(none)"
MAX_DOMAIN = 253
"""Characters of a name in the domain name system."""
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LOOSE = re.compile(r"[\w./-]+")
_RESERVED = frozenset(":?#[]@!$&'()*+,;=")


class DomainError(ValueError):
    """A text that cannot be a site's domain. `code` is stable, the message is for people.

    Codes: blank, scheme, credentials, port, path, hostname, public_suffix, reserved, characters, long.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@cache
def _suffixes(*, only_icann: bool) -> PublicSuffixList:
    return PublicSuffixList(only_icann=only_icann)


def warm() -> None:
    """Load the public suffix list now instead of at the first event."""
    registrable("example.com")


def _is_address(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return ":" in host
    return True


@lru_cache(maxsize=4096)
def registrable(domain: str) -> str:
    """The part one owner registers: `a.b.example.co.uk` -> `example.co.uk`.

    Addresses and single labels stay as they are; no host is `(none)` (contract 7.1). Private suffixes count, so
    `me.github.io` is one owner.
    """
    host = domain.strip(".").lower()
    if not host:
        return NO_HOST
    if _is_address(host):
        return host
    return _suffixes(only_icann=False).privatesuffix(host) or host


def is_public_suffix(domain: str) -> bool:
    """True for `com`, `co.uk` and any single unknown label: nobody's own domain.

    Suffixes that companies entered for their customers (`github.io`) may be sites of those companies.
    """
    host = domain.strip(".").lower()
    if not host or host == "localhost" or _is_address(host):
        return False
    return bool(_suffixes(only_icann=True).publicsuffix(host) == host)


def clean_domain(text: str) -> str:
    """A site's domain as stored: a hostname in lower case, Unicode rather than `xn--`.

    Sparklytics' rule (seed 002; 2026-04, contract 4.1): no scheme, port, path or credentials, and no public suffix;
    `localhost` and IPv4 pass.
    Raises DomainError.
    """
    host = text.strip().lower().removesuffix(".")
    if not host:
        raise DomainError("blank", "can't be blank")
    for code, found, message in (
        ("scheme", bool(_SCHEME.match(host)), "must not have a scheme"),
        ("credentials", "@" in host, "must not have credentials"),
        ("path", any(mark in host for mark in "/?#"), "must not have a path"),
        ("port", ":" in host, "must not have a port"),
    ):
        if found:
            raise DomainError(code, message)
    if host == "localhost" or _is_address(host):
        return host
    host = _unicode_host(host)
    if is_public_suffix(host):
        raise DomainError("public_suffix", f"{host} is a public suffix, not a domain of its own")
    return host


def _unicode_host(host: str) -> str:
    try:
        ascii_host = idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
        name = idna.decode(ascii_host)
    except idna.IDNAError as error:
        raise DomainError("hostname", "must be a valid hostname") from error
    if re.fullmatch(r"[\d.]+", ascii_host):
        raise DomainError("hostname", "must be a valid IPv4 address")
    return name


def strip_domain(text: str) -> str:
    """Plausible's cleaning (2026-07, contract 3.5): trim, lower case, scheme, outer slashes and `www.` removed."""
    name = text.strip().lower()
    for scheme in ("http://", "https://"):
        name = name.removeprefix(scheme)
    return name.strip("/").removeprefix("www.")


def loose_domain(text: str) -> str:
    """A domain as the vendor-shaped API takes it: cleaned by `strip_domain`, letters, digits and `/ _ . -` only.

    Raises DomainError with blank, reserved or characters (Plausible, 2026-07, contract 3.6), or long.
    """
    name = strip_domain(text)
    if not name:
        raise DomainError("blank", "can't be blank")
    if _RESERVED & set(name):
        raise DomainError("reserved", "must not contain URI reserved characters")
    if not _LOOSE.fullmatch(name):
        raise DomainError("characters", "only letters, numbers, slashes, underscores and period allowed")
    if len(name) > MAX_DOMAIN:
        raise DomainError("long", f"should be at most {MAX_DOMAIN} character(s)")
    return name
