"""The acquisition channel of a visit: a table of rules, the first that holds names it (contract 7.11)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from adapters.local.enrich.sources import CACHE_SIZE, Category, category

DIRECT = "Direct"
REFERRAL = "Referral"

_PAID = re.compile(r".*cp.*|ppc|retargeting|paid.*")
_SHOP = re.compile(r"(?:[^a-df-z]|^)shop|shopping")
_EMAIL = re.compile(r"e[-_ ]?mail|newsletter")
_DISPLAY = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})
_SOCIAL = frozenset({"social", "social-network", "social-media", "sm", "social network", "social media"})
_REFERRAL = frozenset({"referral", "app", "link"})
_CLICKS = frozenset({("Google", "gclid"), ("Bing", "msclkid")})


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the rules look at: everything but `source` in lower case."""

    source: str
    kind: Category | None
    medium: str
    campaign: str
    tag: str
    click_id: str

    @property
    def paid(self) -> bool:
        return bool(_PAID.fullmatch(self.medium))

    @property
    def shopping(self) -> bool:
        return self.kind is Category.SHOPPING or bool(_SHOP.search(self.campaign))

    @property
    def search_click(self) -> bool:
        return (self.source, self.click_id or self.medium.strip("()")) in _CLICKS

    @property
    def sources(self) -> tuple[str, str]:
        return self.source.lower(), self.tag


RULES: tuple[tuple[str, Callable[[Traffic], bool]], ...] = (
    ("Cross-network", lambda t: "cross-network" in t.campaign),
    ("Paid Shopping", lambda t: t.shopping and t.paid),
    ("Paid Search", lambda t: (t.kind is Category.SEARCH and t.paid) or t.search_click),
    ("Paid Social", lambda t: t.kind is Category.SOCIAL and t.paid),
    ("Paid Video", lambda t: t.kind is Category.VIDEO and t.paid),
    ("Display", lambda t: t.medium in _DISPLAY),
    ("Paid Other", lambda t: t.paid),
    ("Organic Shopping", lambda t: t.shopping),
    ("Organic Social", lambda t: t.kind is Category.SOCIAL or t.medium in _SOCIAL),
    ("Organic Video", lambda t: t.kind is Category.VIDEO or "video" in t.medium),
    ("AI Assistants", lambda t: t.kind is Category.AI),
    ("Organic Search", lambda t: t.kind is Category.SEARCH or t.medium == "organic"),
    ("Email", lambda t: t.kind is Category.EMAIL or any(map(_EMAIL.search, (*t.sources, t.medium)))),
    ("Affiliates", lambda t: t.medium in ("affiliate", "affiliates")),
    ("Audio", lambda t: t.medium == "audio"),
    ("SMS", lambda t: t.medium == "sms" or "sms" in t.sources),
    (
        "Mobile Push Notifications",
        lambda t: (
            t.medium.endswith("push") or "mobile" in t.medium or "notification" in t.medium or "firebase" in t.sources
        ),
    ),
    (REFERRAL, lambda t: bool(t.source) or t.medium in _REFERRAL),
)
NAMES = (*(name for name, _ in RULES), DIRECT)


@lru_cache(maxsize=CACHE_SIZE)
def channel(source: str, utm_medium: str = "", utm_campaign: str = "", utm_source: str = "", click_id: str = "") -> str:
    """Name the channel from the values as `read_source` gives them. One of `NAMES`."""
    traffic = Traffic(source, category(source), utm_medium.lower(), utm_campaign.lower(), utm_source.lower(), click_id)
    return next((name for name, holds in RULES if holds(traffic)), DIRECT)
