"""Umami's words for canonical ones: types of breakdowns, filters, names of browsers and devices. Pure tables."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from models.vocabulary import Dimension, Interval

TYPES: Mapping[Dimension, str] = MappingProxyType(
    {
        Dimension.PAGE: "path",
        Dimension.ENTRY_PAGE: "entry",
        Dimension.EXIT_PAGE: "exit",
        Dimension.HOSTNAME: "hostname",
        Dimension.TITLE: "title",
        Dimension.EVENT: "event",
        Dimension.SOURCE: "referrer",
        Dimension.REFERRER: "referrer",
        Dimension.CHANNEL: "channel",
        Dimension.UTM_SOURCE: "utmSource",
        Dimension.UTM_MEDIUM: "utmMedium",
        Dimension.UTM_CAMPAIGN: "utmCampaign",
        Dimension.UTM_CONTENT: "utmContent",
        Dimension.UTM_TERM: "utmTerm",
        Dimension.DEVICE: "device",
        Dimension.BROWSER: "browser",
        Dimension.OS: "os",
        Dimension.COUNTRY: "country",
        Dimension.REGION: "region",
        Dimension.CITY: "city",
        Dimension.CITY_NAME: "city",
        Dimension.LANGUAGE: "language",
    }
)
"""Value of `type` at /metrics."""

FILTERS: Mapping[Dimension, str] = MappingProxyType(
    {
        dimension: word
        for dimension, word in TYPES.items()
        if dimension
        not in (
            Dimension.ENTRY_PAGE,
            Dimension.EXIT_PAGE,
            Dimension.SOURCE,
            Dimension.CHANNEL,
            Dimension.EVENT,
            Dimension.LANGUAGE,
            Dimension.CITY,
        )
    }
)
"""Filter parameters. Entry and exit pages share the column of the path, so filtering on them would mean the path."""

UNITS: Mapping[Interval, str] = MappingProxyType({i: str(i) for i in Interval if i is not Interval.WEEK})
"""Umami has no weeks (3.1.0, 2026-11, contract 2)."""

DEVICES = {"desktop": "Desktop", "laptop": "Desktop", "mobile": "Mobile", "tablet": "Tablet"}
BROWSERS = {
    "chrome": "Chrome",
    "crios": "Chrome",
    "chromium-webview": "Chrome",
    "edge": "Microsoft Edge",
    "edge-chromium": "Microsoft Edge",
    "edge-ios": "Microsoft Edge",
    "firefox": "Firefox",
    "fxios": "Firefox",
    "ie": "Internet Explorer",
    "ios": "Safari",
    "ios-webview": "Safari",
    "opera": "Opera",
    "safari": "Safari",
    "samsung": "Samsung Browser",
    "yandexbrowser": "Yandex Browser",
}
SYSTEMS = {
    "Android OS": "Android",
    "Chrome OS": "Chrome OS",
    "Linux": "GNU/Linux",
    "Mac OS": "Mac",
    "Windows 7": "Windows",
    "Windows 8": "Windows",
    "Windows 8.1": "Windows",
    "Windows 10": "Windows",
    "iOS": "iOS",
}
NAMES: Mapping[Dimension, Mapping[str, str]] = MappingProxyType(
    {Dimension.DEVICE: DEVICES, Dimension.BROWSER: BROWSERS, Dimension.OS: SYSTEMS}
)
"""Vendor word to canonical name; several words may be one name. Filters want the words (3.1.0,
2026-11, contract 4)."""


def name_of(dimension: Dimension, word: str) -> str:
    """A vendor's value in canonical words; `organicSearch` is `Organic Search`."""
    if dimension is Dimension.CHANNEL:
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", word[:1].upper() + word[1:])
    return NAMES.get(dimension, {}).get(word, word)


def words_of(dimension: Dimension, name: str) -> tuple[str, ...]:
    """Every vendor word for a canonical name."""
    found = tuple(word for word, canonical in NAMES.get(dimension, {}).items() if canonical == name)
    return found or (name,)
