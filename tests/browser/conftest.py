"""Chromium, the published trackers bundled for it, and the pages that carry them.

Debian's Chromium is driven through playwright. Host names under example.test are mapped to loopback and the
automation flag is off, because these trackers stay silent on localhost and under automation.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.origin import Pages, Recorder, running

HERE = Path(__file__).parent
ESBUILD = HERE / "node_modules" / ".bin" / "esbuild"
TRACKERS = ("tracker", "classic", "snippet")
ARGUMENTS = (
    "--no-sandbox",
    "--host-resolver-rules=MAP *.example.test 127.0.0.1",
    "--disable-blink-features=AutomationControlled",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
PHONE = (
    "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/156.0.0.0 Mobile Safari/537.36"
)


def chromium() -> str | None:
    """The path of a Chromium of this machine."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def missing() -> str | None:
    """What these tests lack here and how to get it; None when nothing is missing."""
    if chromium() is None:
        return "no Chromium here (apt-get install chromium)"
    if not ESBUILD.exists():
        return "the npm modules of the trackers are not installed (make browser)"
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip in one place, so that pytest folds it to one line; fail where the browser tests must run."""
    if "browser" in getattr(item, "fixturenames", ()) and (lack := missing()):
        if os.environ.get("TALLYWAY_REQUIRE_BROWSER") == "1":
            pytest.fail(f"browser tests are required here, but {lack}", pytrace=False)
        pytest.skip(f"browser tests: {lack}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


# One browser a module: playwright's event loop runs in this thread while it is open, and would be in the way of every
# asynchronous test that the same process runs later.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium of this machine."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS, headless=True)
        yield started
        started.close()


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Each page's script with its npm tracker, bundled by esbuild."""
    out = tmp_path_factory.mktemp("bundles")
    sources = [str(HERE / "pages" / f"{name}.js") for name in TRACKERS]
    subprocess.run([ESBUILD, *sources, "--bundle", "--minify", f"--outdir={out}", "--log-level=error"], check=True)
    return {name: (out / f"{name}.js").read_bytes() for name in TRACKERS}


@pytest.fixture
def pages(bundles: dict[str, bytes]) -> Iterator[Pages]:
    """The shop's server; tests put the script tags in `scripts`."""
    server = Pages(bundles)
    with running(server):
        yield server


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A collector that keeps what arrives."""
    server = Recorder()
    with running(server):
        yield server


def script_tags(tracker: str, *, domain: str, collector: str, attributes: str = "") -> str:
    """The mark-up that brings one tracker to a page."""
    tags = f'<script src="/bundles/{tracker}.js" data-domain="{domain}" data-collector="{collector}"></script>'
    if tracker != "snippet":
        return tags
    return f'{tags}\n<script src="{collector}/js/tallyway.js" data-domain="{domain}" {attributes}></script>'


@contextmanager
def visitor(browser: Browser, user_agent: str = DESKTOP, start_script: str = "") -> Iterator[Page]:
    """A page in a fresh profile, as one person's browser."""
    context = browser.new_context(user_agent=user_agent, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(15_000)
    if start_script:
        context.add_init_script(start_script)
    try:
        yield context.new_page()
    finally:
        context.close()
