"""The live suite itself over real sockets: what is asked of real servers works as written.

Sparklytics and Umami are played by their twins; Plausible by this gateway's own Plausible-shaped API, which counts.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from fixtures.twins import sparklytics, umami
from fixtures.twins.serve import serve_in_thread
from tests.serving import serve

ROOT = Path(__file__).parents[2]
BARE = {name: value for name, value in os.environ.items() if not name.startswith("TALLYWAY_")}
"""The environment without addresses of real servers."""


@contextmanager
def sparklytics_server() -> Iterator[dict[str, str]]:
    store = sparklytics.Store()
    with serve_in_thread(sparklytics.sparklytics_twin(store)) as base:
        yield {"TALLYWAY_LIVE_SPARKLYTICS_URL": base, "TALLYWAY_LIVE_SPARKLYTICS_API_KEY": store.key}
    assert store.sites == {}, "the suite leaves a website behind"


@contextmanager
def umami_server() -> Iterator[dict[str, str]]:
    store = umami.Store()
    with serve_in_thread(umami.umami_twin(store)) as base:
        yield {
            "TALLYWAY_LIVE_UMAMI_URL": base,
            "TALLYWAY_LIVE_UMAMI_USERNAME": store.username,
            "TALLYWAY_LIVE_UMAMI_PASSWORD": store.password,
        }
    assert store.sites == {}, "the suite leaves a website behind"


@contextmanager
def plausible_server() -> Iterator[dict[str, str]]:
    with TemporaryDirectory() as folder, serve(Path(folder)) as gateway:
        yield {
            "TALLYWAY_LIVE_PLAUSIBLE_URL": f"{gateway.base}/plausible",
            "TALLYWAY_LIVE_PLAUSIBLE_API_KEY": gateway.key,
        }
        left = gateway.call("GET", "/v1/sites")
    assert left["sites"] == [], "the suite leaves a site behind"


# Plausible has no days of other zones, and no list of links.
@pytest.mark.parametrize(("server", "least"), [(plausible_server, 11), (sparklytics_server, 12), (umami_server, 12)])
def test_the_live_suite_passes_and_cleans_up(server: object, least: int, tmp_path: Path) -> None:
    with server() as environment:  # type: ignore[operator] # a context manager's function
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/live/test_vendors.py"],
            cwd=ROOT, env=BARE | environment | {"TALLYWAY_LIVE_PATIENCE": "10"}, capture_output=True, text=True,
            check=False, timeout=110,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    summary = done.stdout.strip().splitlines()[-1]
    assert int(summary.split(" passed")[0].split()[-1]) >= least, summary
