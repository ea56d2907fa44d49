"""What a site does not count: exclusions, privacy signals, rate limits. Compiled once, then asked per event."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from models.errors import InvalidRequest, Problem
from models.event import Received
from models.settings import SiteSettings

EXCLUDED_ADDRESS = "excluded_address"
EXCLUDED_COUNTRY = "excluded_country"
EXCLUDED_PAGE = "excluded_page"
EXCLUDED_HOSTNAME = "excluded_hostname"
DO_NOT_TRACK = "do_not_track"
PRIVACY_CONTROL = "global_privacy_control"
RATE_LIMITED = "rate_limited"

Pattern = re.Pattern[str]


@dataclass(frozen=True)
class Rules:
    """Compiled settings of one site."""

    settings: SiteSettings
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    countries: frozenset[str] = frozenset()
    pages: Pattern | None = None
    hostnames: Pattern | None = None
    only_hostnames: Pattern | None = None

    @cached_property
    def excludes(self) -> bool:
        """Whether any address, country, page or hostname is left out."""
        return any((self.networks, self.countries, self.pages, self.hostnames, self.only_hostnames))

    @cached_property
    def limits(self) -> bool:
        """Whether only so many events a minute are taken."""
        settings = self.settings
        return settings.events_per_minute is not None or settings.events_per_minute_and_address is not None

    def refuse_signals(self, received: Received) -> str:
        """The reason when the visitor's browser asks not to be counted and the site respects that; else ""."""
        if self.settings.respect_do_not_track and received.headers.get("dnt") == "1":
            return DO_NOT_TRACK
        if self.settings.respect_global_privacy_control and received.headers.get("sec-gpc") == "1":
            return PRIVACY_CONTROL
        return ""

    def refuse(self, address: str, country: str, hostname: str, path: str) -> str:
        """The reason when an exclusion applies, else ""."""
        if self.networks and _within(address, self.networks):
            return EXCLUDED_ADDRESS
        if country in self.countries:
            return EXCLUDED_COUNTRY
        if self.pages and self.pages.fullmatch(path):
            return EXCLUDED_PAGE
        if self.hostnames and self.hostnames.fullmatch(hostname):
            return EXCLUDED_HOSTNAME
        if self.only_hostnames and not self.only_hostnames.fullmatch(hostname):
            return EXCLUDED_HOSTNAME
        return ""


COUNTRY = re.compile("[A-Za-z]{2}")


def checked_rules(settings: SiteSettings) -> Rules:
    """The rules of new settings. Raises InvalidRequest for what is no address, network or country."""
    countries = enumerate(settings.exclude.countries)
    wrong = [i for i, text in countries if COUNTRY.fullmatch(text.strip()) is None]
    problems = [Problem(f"exclude.countries[{i}]", "must be a country's two letters (ISO 3166), as DE") for i in wrong]
    try:
        rules = compile_rules(settings)
    except InvalidRequest as error:
        raise InvalidRequest([*error.problems, *problems]) from error
    if problems:
        raise InvalidRequest(problems)
    return rules


def compile_rules(settings: SiteSettings) -> Rules:
    """The rules of settings that were stored before. Raises InvalidRequest for what is no address or network."""
    exclude = settings.exclude
    networks: list[IPv4Network | IPv6Network] = []
    problems: list[Problem] = []
    for index, text in enumerate(exclude.addresses):
        try:
            networks.append(_network(text.strip()))
        except ValueError:
            problems.append(Problem(f"exclude.addresses[{index}]", "must be an IP address or a CIDR network"))
    if problems:
        raise InvalidRequest(problems)
    return Rules(
        settings,
        tuple(networks),
        frozenset(country.strip().upper() for country in exclude.countries),
        _wildcards(exclude.pages),
        _wildcards(_hosts(exclude.hostnames), re.IGNORECASE),
        _wildcards(_hosts(exclude.only_hostnames), re.IGNORECASE),
    )


def _network(text: str) -> IPv4Network | IPv6Network:
    """A network as addresses are compared with it: one of mapped IPv4 addresses is one of IPv4. Raises ValueError."""
    network = ip_network(text, strict=False)
    if network.version == 6 and network.prefixlen >= 96 and (mapped := network.network_address.ipv4_mapped):
        return IPv4Network((int(mapped), network.prefixlen - 96))
    return network


def _hosts(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Patterns for hosts, which are kept without `www.`; what is left of `www.*` would be every host."""
    bare = [text[4:] for text in patterns if text.lower().startswith("www.")]
    return (*patterns, *(text for text in bare if not text.startswith("*")))


def _wildcards(patterns: tuple[str, ...], flags: re.RegexFlag = re.NOFLAG) -> Pattern | None:
    """One expression for texts in which `*` stands for any characters."""
    if not patterns:
        return None
    return re.compile(
        "|".join(".*".join(map(re.escape, re.split(r"\*+", text))) for text in patterns), re.DOTALL | flags
    )


def _within(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if found.version == 6 and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in networks)


class MinuteLimits:
    """Events per site, and per site and address, in the running minute. Addresses are forgotten when it ends."""

    def __init__(self) -> None:
        self._minute = 0
        self._seen: Counter[tuple[str, str]] = Counter()

    def allow(self, site: str, address: str, settings: SiteSettings, at: int) -> bool:
        """Count one event at a Unix time; False when it is above a limit of the site (and was not counted)."""
        total, each = settings.events_per_minute, settings.events_per_minute_and_address
        if total is None and each is None:
            return True
        if at // 60 != self._minute:
            self._minute = at // 60
            self._seen.clear()
        if total is not None and self._seen[site, ""] >= total:
            return False
        if each is not None and address and self._seen[site, address] >= each:
            return False
        self._seen[site, ""] += 1
        if each is not None and address:
            self._seen[site, address] += 1
        return True
