"""Programs are told from people."""

import pytest

from adapters.local.enrich.bots import EMPTY, HEADLESS, Patterns, bot_reason

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        "python-requests/2.32.5",
        "curl/8.5.0",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    ],
)
def test_a_program_is_a_bot(user_agent: str) -> None:
    assert bot_reason(user_agent)


def test_a_person_is_none() -> None:
    assert bot_reason(CHROME) == ""


@pytest.mark.parametrize("user_agent", ["", "   "])
def test_no_user_agent_is_a_bot(user_agent: str) -> None:
    assert bot_reason(user_agent) == EMPTY


def test_headless_chrome_is_a_bot() -> None:
    assert bot_reason(CHROME.replace("Chrome/", "HeadlessChrome/")) == HEADLESS


def test_the_reason_names_the_pattern() -> None:
    assert bot_reason("python-requests/2.32.5") == "python-requests"


def test_a_pattern_re2_cannot_read_still_matches() -> None:
    patterns = Patterns(["Abacus", r"Robot(?!ic)", "Zebra"])
    assert patterns.find("a Robot came") == r"Robot(?!ic)"
    assert patterns.find("Robotic arm") == ""
    assert patterns.find("Zebra/1") == "Zebra"
