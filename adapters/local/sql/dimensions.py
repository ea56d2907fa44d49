"""Where each dimension lives in the two tables, how its blanks are written, and which side alone knows it.

Blank labels: contracts, Plausible 7.8.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.vocabulary import (
    DIMENSION_SCOPES,
    DIRECT,
    DIRECT_CHANNEL,
    NO_PROP,
    NOT_SET,
    TIME_DIMENSIONS,
    Dimension,
    Scope,
    dimension_of,
)

D = Dimension


@dataclass(frozen=True, slots=True)
class Column:
    """The column of a dimension (of the table its scope names, or of both) and the label of its blanks."""

    name: str
    blank: str = ""


COLUMNS: Mapping[Dimension, Column] = MappingProxyType(
    {
        D.PAGE: Column("path"),
        D.HOSTNAME: Column("hostname"),
        D.TITLE: Column("title"),
        D.EVENT: Column("name"),
        D.ENTRY_PAGE: Column("entry_page"),
        D.EXIT_PAGE: Column("exit_page"),
        D.ENTRY_HOSTNAME: Column("entry_hostname"),
        D.EXIT_HOSTNAME: Column("exit_hostname"),
        D.SOURCE: Column("source", DIRECT),
        D.CHANNEL: Column("channel", DIRECT_CHANNEL),
        D.REFERRER: Column("referrer", DIRECT),
        D.UTM_SOURCE: Column("utm_source", NOT_SET),
        D.UTM_MEDIUM: Column("utm_medium", NOT_SET),
        D.UTM_CAMPAIGN: Column("utm_campaign", NOT_SET),
        D.UTM_CONTENT: Column("utm_content", NOT_SET),
        D.UTM_TERM: Column("utm_term", NOT_SET),
        D.DEVICE: Column("device", NOT_SET),
        D.SCREEN: Column("screen", NOT_SET),
        D.BROWSER: Column("browser", NOT_SET),
        D.BROWSER_VERSION: Column("browser_version", NOT_SET),
        D.OS: Column("os", NOT_SET),
        D.OS_VERSION: Column("os_version", NOT_SET),
        D.COUNTRY: Column("country"),
        D.REGION: Column("region"),
        D.CITY: Column("city"),
        D.COUNTRY_NAME: Column("country"),
        D.REGION_NAME: Column("region"),
        D.CITY_NAME: Column("city"),
        D.LANGUAGE: Column("language", NOT_SET),
    }
)

UTM = (D.UTM_SOURCE, D.UTM_MEDIUM, D.UTM_CAMPAIGN, D.UTM_CONTENT, D.UTM_TERM)
DIRECT_BLANKS = frozenset({D.SOURCE, D.REFERRER, *UTM})
"""Dimensions on which a filter value `Direct / None` means blank (contracts: Plausible 7.8)."""

ENTRY = MappingProxyType({str(D.PAGE): str(D.ENTRY_PAGE), str(D.HOSTNAME): str(D.ENTRY_HOSTNAME)})
EXIT = MappingProxyType({str(D.PAGE): str(D.EXIT_PAGE), str(D.HOSTNAME): str(D.EXIT_HOSTNAME)})
ENTRY_TO_PAGE = MappingProxyType({v: k for k, v in EXIT.items()})

HOSTNAME_ALSO: Mapping[str, str] = MappingProxyType(
    {str(D.EXIT_PAGE): str(D.EXIT_HOSTNAME)}
    | dict.fromkeys(map(str, (D.SOURCE, D.REFERRER, D.ENTRY_PAGE, *UTM)), str(D.ENTRY_HOSTNAME))
)
"""Grouped by these, a top-level hostname filter also holds for this hostname of the visit (Plausible contract 7.4)."""


def known(name: str) -> Dimension:
    """The dimension of a name that was validated before."""
    found = dimension_of(name)
    if found is None:
        raise ValueError(name)
    return found


def scope(name: str) -> Scope:
    """Which table alone knows a dimension; time and the attributes of visits are known to both."""
    return DIMENSION_SCOPES[known(name)]


def is_time(name: str) -> bool:
    return name in TIME_DIMENSIONS


def blank_label(name: str) -> str:
    """What stands in an answer where the dimension has no value."""
    found = known(name)
    return NO_PROP if found is D.PROP else COLUMNS[found].blank
