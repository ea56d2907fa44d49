"""Browser, operating system and device of a user agent.

The families come from ua-parser's native regexes; the tables below carry them to the names that reports use
(the names of Matomo's device-detector, contract 7.11). Decision 0020 gives the measured agreement.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from ua_parser import Parser, Result, load_lazy_builtins
from ua_parser.regex import Resolver

MOBILE, TABLET, DESKTOP = "Mobile", "Tablet", "Desktop"
MOBILE_APP = "Mobile App"
MAX_LENGTH = 1024
FROZEN_SAFARI = 26  # since this version Safari no longer writes the true system version (November 2026)


@dataclass(frozen=True, slots=True)
class Agent:
    """What a user agent tells; "" where it tells nothing. Versions are `major` or `major.minor`."""

    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""
    device: str = ""


BROWSERS = {
    "Amazon Silk": "Mobile Silk",
    "Chrome Frame": "Chrome",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "DuckDuckGo": "DuckDuckGo Privacy Browser",
    "DuckDuckGo Mobile": "DuckDuckGo Privacy Browser",
    "Ecosia Android": "Ecosia",
    "Ecosia iOS": "Ecosia",
    "Edge": "Microsoft Edge",
    "Edge Mobile": "Microsoft Edge",
    "Firefox Alpha": "Firefox",
    "Firefox Beta": "Firefox",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "IE": "Internet Explorer",
    "IE Large Screen": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
    "MiuiBrowser": "MIUI Browser",
    "Mobile Safari": "Safari",
    "Opera Mini": "Opera",
    "Opera Mobile": "Opera",
    "QQ Browser Mini": "QQ Browser",
    "QQ Browser Mobile": "QQ Browser",
    "Samsung Internet": "Samsung Browser",
}
# Apps that show pages in a window of their own, and bare web views: one name, because the app's version says nothing.
APPS = frozenset({
    "Chrome Mobile WebView", "ESPN", "Facebook", "Facebook Messenger", "Flipboard", "Google", "Instagram", "KakaoTalk",
    "LINE", "BulkEvent", "Microsoft Teams", "Mobile Safari UI/WKWebView", "NAVER", "Outlook", "Pinterest", "Roblox App",
    "Skype", "Slack Desktop Client", "Snapchat", "Telegram", "TikTok", "TopBuzz", "Twitter", "WeChat Browser", "Weibo",
})  # fmt: skip
SYSTEMS = {
    "ATV OS X": "tvOS",
    "Chromecast Android": "Android",
    "Chromecast Fuchsia": "Fuchsia",
    "Chromecast Linux": "GNU/Linux",
    "Chromecast SmartSpeaker": "GNU/Linux",
    "Linux": "GNU/Linux",
    "Mac OS": "Mac",
    "Mac OS X": "Mac",
    "Other": "",
    "WatchOS": "watchOS",
    "Web0S": "webOS",
}
DESKTOP_SYSTEMS = frozenset({
    "ATV OS X", "Arch Linux", "CentOS", "Chrome OS", "Chromecast Android", "Chromecast Fuchsia", "Chromecast Linux",
    "Debian", "Fedora", "FreeBSD", "Gentoo", "Linux", "Linux Mint", "Mac OS", "Mac OS X", "NetBSD", "OpenBSD",
    "Red Hat", "SUSE", "Solaris", "Ubuntu", "Web0S", "Windows", "tvOS", "webOS",
})  # fmt: skip
MOBILE_SYSTEMS = frozenset({
    "BlackBerry OS", "Firefox OS", "KaiOS", "Nokia Series 30 Plus", "Nokia Series 40", "Symbian OS", "WatchOS",
    "Windows Mobile", "Windows Phone",
})  # fmt: skip

_TELEVISION = re.compile(
    r"smart-?tv|hbbtv|googletv|apple ?tv|bravia|crkey|web0s|netcast|roku|android tv|\btv safari|\bAFT[A-Z]+\b"
    r"|playstation|nintendo|xbox",
    re.IGNORECASE,
)
_WEBKIT = re.compile(r"\bVersion/(\d{1,3})(?:\.(\d{1,3}))?")
_CAR = re.compile(r"\bTesla/|QtCarBrowser")


@cache
def _parser() -> Parser:
    return Parser(Resolver(load_lazy_builtins()))


def warm() -> None:
    """Compile the regexes now (about a third of a second) instead of at the first event."""
    parse_agent("Mozilla/5.0")


@lru_cache(maxsize=4096)
def parse_agent(user_agent: str) -> Agent:
    """Read one user agent; anything unknown is "". Longer strings than 1024 characters are cut."""
    text = user_agent[:MAX_LENGTH]
    found = _parser().parse(text)
    browser, browser_version = _browser(found)
    system, system_version = _system(found, text)
    return Agent(browser, browser_version, system, system_version, _device(found, text))


def _major_minor(major: str | None, minor: str | None) -> str:
    return f"{major}.{minor}" if major and minor else major or ""


def _browser(found: Result) -> tuple[str, str]:
    if found.user_agent is None:
        return "", ""
    family = found.user_agent.family
    if family in APPS:
        return MOBILE_APP, ""
    return BROWSERS.get(family, family), _major_minor(found.user_agent.major, found.user_agent.minor)


def _system(found: Result, text: str) -> tuple[str, str]:
    if found.os is None:
        return "", ""
    family, version = found.os.family, _major_minor(found.os.major, found.os.minor)
    if family in ("iOS", "Mac OS X"):
        version = _thawed(text) or version
    if family == "iOS" and "iPad" in text:
        return "iPadOS", version
    return SYSTEMS.get(family, family), version


def _thawed(text: str) -> str:
    """System version of an Apple browser that freezes it: WebKit's has been the system's since 26."""
    if (found := _WEBKIT.search(text)) and int(found[1]) >= FROZEN_SAFARI:
        return _major_minor(found[1], found[2])
    return ""


def _device(found: Result, text: str) -> str:
    system = found.os.family if found.os else ""
    if _TELEVISION.search(text):
        return DESKTOP
    if "iPad" in text or _CAR.search(text):
        return TABLET
    if system in MOBILE_SYSTEMS or system == "iOS":
        return MOBILE
    if system in DESKTOP_SYSTEMS:
        return DESKTOP
    if "Tablet" in text or (system == "Android" and "Mobile" not in text and "Opera Mini" not in text):
        return TABLET
    return MOBILE if system == "Android" or "Mobile" in text else ""
