"""`tallyway demo`: five backends answer what it prints (two from a wheel), and Ctrl-C ends it."""

import json
import os
import re
import shlex
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from gateway.commands.demo import CHECKOUT
from tests.serving import command, free_port


def printed(log: Path, process: subprocess.Popen[bytes]) -> list[str]:
    """The arguments of the curl command that the demo prints when it is ready."""
    for _ in range(1000):
        if found := re.search(r"^ *(curl .*)$", log.read_text(), re.MULTILINE):
            return shlex.split(found[1])
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def test_the_demo_answers_over_its_backends_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    log = tmp_path / "demo.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [command(), "demo", "--port", str(free_port())],
            cwd=tmp_path, env={"PATH": os.environ["PATH"]}, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        _, _, url, _, header, _, body = printed(log, process)
        name, _, value = header.partition(": ")
        headers = {name: value, "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), timeout=100) as reply:
            answer = json.loads(reply.read())
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    sites = {site["site"]: (site["backend"], site["accuracy"]) for site in answer["meta"]["sites"]}
    ours = {"shop.example.com": ("local", "exact"), "blog.example.com": ("plausible", "exact")}
    stand_ins = {
        "docs.example.com": ("pirsch", "exact"),
        "news.example.com": ("sparklytics", "approximate"),
        "app.example.com": ("umami", "approximate"),
    }
    assert sites == (ours | stand_ins if (CHECKOUT / "fixtures" / "demo.py").is_file() else ours)
    assert answer["meta"]["partial"] is False
    assert all(row["visits"] > (1000 if row["site"] in ours else 200) for row in answer["results"])
    assert process.returncode == 0
    assert "Traceback" not in log.read_text()
