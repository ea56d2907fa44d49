"""Sparklytics' words for canonical ones: filter parameters, breakdown types, device names, error codes. Pure tables."""

from collections.abc import Mapping
from types import MappingProxyType

from models.errors import (
    AlreadyExists,
    GatewayError,
    MissingAtBackend,
    Overloaded,
    RateLimited,
    RefusedByBackend,
    RejectedCredentials,
    TimedOut,
)
from models.vocabulary import DIRECT, Dimension

BREAKDOWNS: Mapping[Dimension, str] = MappingProxyType(
    {
        Dimension.PAGE: "page",
        Dimension.SOURCE: "referrer",
        Dimension.REFERRER: "referrer",
        Dimension.COUNTRY: "country",
        Dimension.REGION: "region",
        Dimension.REGION_NAME: "region",
        Dimension.CITY: "city",
        Dimension.CITY_NAME: "city",
        Dimension.DEVICE: "device",
        Dimension.BROWSER: "browser",
        Dimension.OS: "os",
        Dimension.LANGUAGE: "language",
        Dimension.UTM_SOURCE: "utm_source",
        Dimension.UTM_MEDIUM: "utm_medium",
        Dimension.UTM_CAMPAIGN: "utm_campaign",
    }
)
"""Value of `type` at ./metrics."""

FILTERS: Mapping[Dimension, str] = MappingProxyType(
    {
        Dimension.PAGE: "filter_page",
        Dimension.HOSTNAME: "filter_hostname",
        Dimension.REFERRER: "filter_referrer",
        Dimension.COUNTRY: "filter_country",
        Dimension.REGION_NAME: "filter_region",
        Dimension.CITY_NAME: "filter_city",
        Dimension.DEVICE: "filter_device",
        Dimension.BROWSER: "filter_browser",
        Dimension.OS: "filter_os",
        Dimension.UTM_SOURCE: "filter_utm_source",
        Dimension.UTM_MEDIUM: "filter_utm_medium",
        Dimension.UTM_CAMPAIGN: "filter_utm_campaign",
    }
)

NAMES: Mapping[Dimension, Mapping[str, str]] = MappingProxyType(
    {
        Dimension.DEVICE: {"desktop": "Desktop", "mobile": "Mobile", "tablet": "Tablet"},
        Dimension.BROWSER: {"Edge": "Microsoft Edge", "SamsungBrowser": "Samsung Browser"},
        Dimension.OS: {
            "Mac OSX": "Mac",
            "Windows 7": "Windows",
            "Windows 8": "Windows",
            "Windows 8.1": "Windows",
            "Windows 10": "Windows",
            "Windows 11": "Windows",
            "iPhone": "iOS",
            "iPad": "iPadOS",
            "Linux": "GNU/Linux",
        },
    }
)
"""Vendor word (those of the woothee library, source of 2026-04) to canonical name; several words may be one name."""
DIRECT_LABEL = "(direct)"
"""A label only: filtering on it finds nothing (source of 2026-04-12, contract 5, trap 5)."""

ERRORS: Mapping[str, type[GatewayError]] = MappingProxyType(
    {
        "unauthorized": RejectedCredentials,
        "forbidden": RefusedByBackend,
        "setup_required": RefusedByBackend,
        "password_change_required": RefusedByBackend,
        "organization_context_required": RefusedByBackend,
        "not_found": MissingAtBackend,
        "validation_error": RefusedByBackend,
        "batch_too_large": RefusedByBackend,
        "payload_too_large": RefusedByBackend,
        "duplicate_name": AlreadyExists,
        "limit_exceeded": RefusedByBackend,
        "plan_limit_exceeded": RefusedByBackend,
        "rate_limited": RateLimited,
        "query_timeout": TimedOut,
        "ingest_overloaded": Overloaded,
    }
)
"""What each code of an error body means (2026-04, contract 2; fixtures/sparklytics/website_missing.json)."""


def name_of(dimension: Dimension, word: str) -> str:
    """A vendor's value in canonical words."""
    return NAMES.get(dimension, {}).get(word, word)


def words_of(dimension: Dimension, name: str) -> tuple[str, ...]:
    """Every vendor word for a canonical name."""
    found = tuple(word for word, canonical in NAMES.get(dimension, {}).items() if canonical == name)
    return found or (name,)


def source_of(label: str) -> str:
    return DIRECT if label == DIRECT_LABEL else label
