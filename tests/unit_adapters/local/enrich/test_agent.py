"""User agents carried to the names reports use. The strings are real ones; the names were written by hand."""

import pytest

from adapters.local.enrich.agent import Agent, parse_agent

IOS = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {IOS}"
FROZEN_IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) {IOS}"
MAC = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {IOS}"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {BLINK}"
ANDROID = f"Mozilla/5.0 (Linux; Android 14; K) {BLINK}"

CASES = {
    f"{IPHONE} Version/18.6 Mobile/15E148 Safari/604.1": Agent("Safari", "18.6", "iOS", "18.6", "Mobile"),
    f"{FROZEN_IPHONE} Version/26.6.1 Mobile/15E148 Safari/604.1": Agent("Safari", "26.6", "iOS", "26.6", "Mobile"),
    f"{MAC} Version/26.1 Safari/605.1.15": Agent("Safari", "26.1", "Mac", "26.1", "Desktop"),
    f"{MAC} Version/17.6 Safari/605.1.15": Agent("Safari", "17.6", "Mac", "10.15", "Desktop"),
    f"{FROZEN_IPHONE} CriOS/141.0.7390.96 Mobile/15E148 Safari/604.1": Agent(
        "Chrome", "141.0", "iOS", "18.7", "Mobile"
    ),
    f"{IPHONE} FxiOS/143.0 Mobile/15E148 Safari/605.1.15": Agent("Firefox", "143.0", "iOS", "18.6", "Mobile"),
    f"{IPHONE} Mobile/15E148": Agent("Mobile App", "", "iOS", "18.6", "Mobile"),
    f"{IPHONE} Mobile/22G86 [FBAN/FBIOS;FBAV/530.0;FBSN/iOS;FBSV/18.6]": Agent(
        "Mobile App", "", "iOS", "18.6", "Mobile"
    ),
    f"{IPHONE} GSA/390.0.8 Mobile/15E148 Safari/604.1": Agent("Mobile App", "", "iOS", "18.6", "Mobile"),
    f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {IOS} Version/17.5 Mobile/15E148 Safari/604.1": Agent(
        "Safari", "17.5", "iPadOS", "17.5", "Tablet"
    ),
    f"{WINDOWS} Chrome/141.0.0.0 Safari/537.36": Agent("Chrome", "141.0", "Windows", "10", "Desktop"),
    f"{WINDOWS} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0": Agent(
        "Microsoft Edge", "141.0", "Windows", "10", "Desktop"
    ),
    f"{WINDOWS} Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0": Agent("Opera", "124.0", "Windows", "10", "Desktop"),
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko": Agent(
        "Internet Explorer", "11.0", "Windows", "10", "Desktop"
    ),
    f"{ANDROID} Chrome/141.0.0.0 Mobile Safari/537.36": Agent("Chrome", "141.0", "Android", "14", "Mobile"),
    f"{ANDROID} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36": Agent(
        "Samsung Browser", "28.0", "Android", "14", "Mobile"
    ),
    f"{ANDROID} Chrome/141.0.0.0 Mobile Safari/537.36 EdgA/141.0.0.0": Agent(
        "Microsoft Edge", "141.0", "Android", "14", "Mobile"
    ),
    f"Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A; wv) {BLINK} Version/4.0 Chrome/141.0.0.0 Mobile "
    "Safari/537.36": Agent("Mobile App", "", "Android", "14", "Mobile"),
    f"Mozilla/5.0 (Linux; Android 14; SM-X710) {BLINK} Chrome/141.0.0.0 Safari/537.36": Agent(
        "Chrome", "141.0", "Android", "14", "Tablet"
    ),
    "Mozilla/5.0 (Android 14; Tablet; rv:143.0) Gecko/143.0 Firefox/143.0": Agent(
        "Firefox", "143.0", "Android", "14", "Tablet"
    ),
    "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16": Agent(
        "Opera", "36.2", "Android", "", "Mobile"
    ),
    "Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5": Agent(
        "Firefox", "48.0", "KaiOS", "2.5", "Mobile"
    ),
    f"Mozilla/5.0 (X11; Linux x86_64) {BLINK} Chrome/141.0.0.0 Safari/537.36": Agent(
        "Chrome", "141.0", "GNU/Linux", "", "Desktop"
    ),
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0": Agent(
        "Firefox", "143.0", "Ubuntu", "", "Desktop"
    ),
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {BLINK} Chrome/141.0.0.0 Safari/537.36": Agent(
        "Chrome", "141.0", "Chrome OS", "14541.0", "Desktop"
    ),
    f"Mozilla/5.0 (Web0S; Linux/SmartTV) {BLINK} Chrome/120.0.6099.270 Safari/537.36 WebAppManager": Agent(
        "Chrome", "120.0", "webOS", "", "Desktop"
    ),
    f"Mozilla/5.0 (X11; GNU/Linux) {BLINK} Chromium/79.0 Chrome/79.0 Safari/537.36 Tesla/2020.16.2.1": Agent(
        "Chromium", "79.0", "GNU/Linux", "", "Tablet"
    ),
    "": Agent(),
    "completely unknown": Agent(),
}


@pytest.mark.parametrize(("user_agent", "expected"), CASES.items())
def test_a_user_agent_is_read_as_reports_name_it(user_agent: str, expected: Agent) -> None:
    assert parse_agent(user_agent) == expected


def test_a_console_counts_as_desktop_even_when_it_says_mobile() -> None:
    switch = f"Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) {IOS} Mobile NintendoBrowser/5.1.0"
    assert parse_agent(switch).device == "Desktop"


def test_an_endless_user_agent_is_cut_and_still_read() -> None:
    assert parse_agent(f"{WINDOWS} Chrome/141.0.0.0 Safari/537.36 " + "x" * 100_000).browser == "Chrome"
