"""Two ClickHouse servers on loopback that know each other as the two shards of a cluster."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.serving import free_port

CLUSTER = "pair"
READY_SECONDS = 60.0

CONFIG = """<yandex>
  <logger><level>warning</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><interserver_http_port>{between}</interserver_http_port>
  <interserver_http_host>127.0.0.1</interserver_http_host>
  <path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><mark_cache_size>5368709</mark_cache_size>
  <users_config>{folder}/users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database>
  <remote_servers><{cluster}>{shards}</{cluster}></remote_servers>
</yandex>
"""
USERS = """<yandex>
  <profiles><default><max_memory_usage>1000000000</max_memory_usage></default></profiles>
  <users><default><password></password><networks><ip>127.0.0.1</ip></networks>
    <profile>default</profile><quota>default</quota></default></users>
  <quotas><default/></quotas>
</yandex>
"""
SHARD = "<shard><replica><host>127.0.0.1</host><port>{tcp}</port></replica></shard>"


class Refused(Exception):
    """The server's error text."""


@dataclass
class Instance:
    """One server: where it listens, and its process."""

    http: int
    process: subprocess.Popen[bytes]

    def ask(self, sql: str, **settings: str) -> str:
        """The answer as tab-separated text. Raises Refused."""
        query = urllib.parse.urlencode(settings)
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/?{query}", data=sql.encode())
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return str(answer.read().decode()).strip()
        except urllib.error.HTTPError as error:
            raise Refused(error.read().decode()) from error

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def server() -> str | None:
    """The server's program; Debian puts it beside the administrator's tools."""
    return shutil.which("clickhouse-server", path="/usr/sbin:/usr/bin:/usr/local/bin")


@contextlib.contextmanager
def pair(folder: Path) -> Iterator[tuple[Instance, Instance]]:
    """Both instances, ready."""
    program = server()
    assert program is not None
    tcp = (free_port(), free_port())
    shards = "".join(SHARD.format(tcp=port) for port in tcp)
    started: list[Instance] = []
    try:
        for number, port in enumerate(tcp):
            started.append(_start(program, folder / str(number), port, shards))
        for instance in started:
            _wait(instance)
        yield started[0], started[1]
    finally:
        for instance in started:
            instance.stop()


def _start(program: str, folder: Path, tcp: int, shards: str) -> Instance:
    for name in ("data", "tmp"):
        (folder / name).mkdir(parents=True)
    http = free_port()
    text = CONFIG.format(folder=folder, http=http, tcp=tcp, between=free_port(), cluster=CLUSTER, shards=shards)
    (folder / "config.xml").write_text(text)
    (folder / "users.xml").write_text(USERS)
    command = [program, f"--config-file={folder / 'config.xml'}"]
    return Instance(http, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder))


def _wait(instance: Instance) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and instance.process.poll() is None:
        with contextlib.suppress(OSError):
            instance.ask("SELECT 1")
            return
        time.sleep(0.1)
    raise AssertionError(f"a ClickHouse server was not ready in {READY_SECONDS:.0f} s")
