"""The container: the Dockerfile is sound as written, and each of its steps works (no engine is needed)."""

import os
import re
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from gateway.settings import read_settings
from tests.container import Player, copies, is_ignored, stages, steps

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = (ROOT / "compose.yaml").read_text()
RULES = (ROOT / ".dockerignore").read_text()
BUILD, FINAL = stages(DOCKERFILE)


def only(name: str) -> str:
    """The one instruction of this name in the final stage."""
    [rest] = [step.rest for step in FINAL if step.name == name]
    return rest


def test_every_copied_source_exists_and_reaches_the_builder() -> None:
    sources = [
        source for stage in (BUILD, FINAL) for origin, paths, _ in copies(stage) if not origin for source in paths
    ]
    assert len(sources) >= 7
    for source in sources:
        assert (ROOT / source).exists(), f"COPY {source}: not in the checkout"
        assert not is_ignored(source, RULES), f"COPY {source}: .dockerignore holds it back"


@pytest.mark.parametrize("path", [".git", ".venv/bin/python", "data/journal", "tests/conftest.py", "admin_key", ".env"])
def test_what_is_not_copied_never_reaches_the_builder(path: str) -> None:
    assert is_ignored(path, RULES)


def test_caches_inside_copied_folders_are_held_back() -> None:
    assert is_ignored("gateway/http/__pycache__", RULES)
    assert not is_ignored("gateway/http/static/tallyway.js", RULES)


def test_base_images_are_pinned_to_a_python_and_a_debian() -> None:
    bases = {step.rest.split()[0] for step in steps(DOCKERFILE) if step.name == "FROM"}
    assert all(re.fullmatch(r"python:3\.\d+-slim-[a-z]+", base) for base in bases)
    assert len(bases) == 1, "both stages on one base, so that compiled parts fit"


def test_it_runs_as_a_numbered_user_who_owns_the_volume() -> None:
    user = only("USER")
    assert user == "10001:10001"
    assert f"install -d -o 10001 -g 10001 -m 0750 {only('VOLUME')}" in [
        step.rest for step in FINAL if step.name == "RUN"
    ]
    last_run = max(position for position, step in enumerate(FINAL) if step.name == "RUN")
    assert last_run < [step.name for step in FINAL].index("USER")
    assert f"TALLYWAY_DATA={only('VOLUME')}" in only("ENV")


def test_it_tells_its_health_on_the_port_it_serves() -> None:
    port = only("EXPOSE")
    assert f"127.0.0.1:{port}/healthz" in only("HEALTHCHECK")
    assert f'"--port", "{port}"' in only("CMD")
    assert '"--host", "0.0.0.0"' in only("CMD")


def test_the_composed_service_can_read_its_key_and_knows_its_proxy() -> None:
    given = dict(re.findall(r"^ +(TALLYWAY_\w+): (.+)$", COMPOSE, re.MULTILINE))
    assert f"install -o {only('USER').partition(':')[0]} -m 400 /dev/stdin admin_key" in COMPOSE
    assert given.pop("TALLYWAY_ADMIN_KEY_FILE") == "/run/secrets/admin_key"
    trusted = read_settings(given).trusted_proxies
    assert any(ip_address("172.17.0.1") in ip_network(network) for network in trusted)
    assert '"127.0.0.1:' in COMPOSE, "whom else the port is open to could send such addresses"


def test_every_installation_is_pinned_by_hash() -> None:
    installs = [step.rest for step in steps(DOCKERFILE) if "pip install" in step.rest]
    assert len(installs) == 3
    assert all("--require-hashes" in line or "--no-deps --no-index" in line for line in installs)


@pytest.mark.timeout(300)
def test_the_steps_build_a_wheel_that_runs_without_the_checkout(tmp_path: Path) -> None:
    player = Player(tmp_path, ROOT, RULES)
    player.play(BUILD)
    environment = player.play(FINAL)
    outside = tmp_path / "outside"
    outside.mkdir()
    bare = {"PATH": os.environ["PATH"], "HOME": str(outside)}
    helped = subprocess.run(
        [environment / "bin" / "tallyway", "--help"], cwd=outside, env=bare, capture_output=True, text=True, check=False
    )
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "serve" in helped.stdout
    where = "import gateway, adapters, models; print(*[module.__file__ for module in (gateway, adapters, models)])"
    seen = subprocess.run(
        [environment / "bin" / "python", "-c", where], cwd=outside, env=bare, capture_output=True, text=True, check=True
    )
    assert all(place.startswith(str(environment)) for place in seen.stdout.split())
