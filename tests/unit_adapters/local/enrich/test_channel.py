"""One hand-made case per rule at least, and the order where two rules hold (contract 7.11)."""

import pytest

from adapters.local.enrich.channel import NAMES, channel


@pytest.mark.parametrize(
    ("expected", "source", "medium", "campaign"),
    [
        ("Cross-network", "Google", "cpc", "Spring Cross-Network 1"),
        ("Paid Shopping", "Amazon", "cpc", ""),
        ("Paid Shopping", "anything.test", "ppc", "summer-shop"),
        ("Paid Search", "Google", "cpc", ""),
        ("Paid Search", "Bing", "(msclkid)", ""),
        ("Paid Social", "Facebook", "paid_social", ""),
        ("Paid Video", "YouTube", "cpv", ""),
        ("Display", "partner.test", "banner", ""),
        ("Display", "partner.test", "Interstitial", ""),
        ("Paid Other", "partner.test", "retargeting", ""),
        ("Paid Other", "partner.test", "cpa", ""),
        ("Organic Shopping", "Etsy", "", ""),
        ("Organic Shopping", "partner.test", "", "autumn shopping"),
        ("Organic Social", "Mastodon", "", ""),
        ("Organic Social", "partner.test", "social-media", ""),
        ("Organic Video", "Vimeo", "", ""),
        ("Organic Video", "partner.test", "my-video-ad", ""),
        ("AI Assistants", "Claude", "", ""),
        ("Organic Search", "DuckDuckGo", "", ""),
        ("Organic Search", "unknown.test", "organic", ""),
        ("Email", "Gmail", "", ""),
        ("Email", "partner.test", "e-mail", ""),
        ("Email", "Newsletter-May", "", ""),
        ("Affiliates", "partner.test", "affiliate", ""),
        ("Audio", "partner.test", "audio", ""),
        ("SMS", "sms", "", ""),
        ("SMS", "partner.test", "SMS", ""),
        ("Mobile Push Notifications", "partner.test", "webpush", ""),
        ("Mobile Push Notifications", "partner.test", "mobile-app", ""),
        ("Mobile Push Notifications", "firebase", "", ""),
        ("Referral", "partner.test", "", ""),
        ("Referral", "partner.test", "something", ""),
        ("Direct", "", "", ""),
    ],
)
def test_the_first_rule_that_holds_names_the_channel(expected: str, source: str, medium: str, campaign: str) -> None:
    assert channel(source, medium, campaign) == expected


def test_a_search_click_is_paid_whatever_the_medium_says() -> None:
    assert channel("Google", "organic", "", "", "gclid") == "Paid Search"
    assert channel("Google", "", "", "", "msclkid") == "Organic Search"


def test_shop_in_a_campaign_counts_alone_or_after_an_e() -> None:
    # the contract's `([^a-df-z]|^)shop`: only an e, a digit or a sign may stand before the word
    assert channel("partner.test", "", "eshop") == "Organic Shopping"
    assert channel("partner.test", "", "workshop") == "Referral"


def test_the_order_is_that_of_the_contract() -> None:
    assert NAMES == (
        "Cross-network", "Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Display", "Paid Other",
        "Organic Shopping", "Organic Social", "Organic Video", "AI Assistants", "Organic Search", "Email", "Affiliates",
        "Audio", "SMS", "Mobile Push Notifications", "Referral", "Direct",
    )  # fmt: skip
