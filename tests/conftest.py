"""For every test: no socket leaves this machine, and no TALLYWAY_* setting of the developer's shell reaches the code.

The guard is an audit hook, so it also sees connections made by libraries. It names the address it refused;
servers that tests start as processes of their own are held back by the loopback addresses they are given.
"""

import ipaddress
import os
import sys
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest

from tests.leftovers import Leftovers
from tests.rollcall import RollCall

LIVE_SETTINGS = "TALLYWAY_LIVE_"
"""Servers that tests/live asks."""
# Read by the tests themselves, not by the product.
TEST_SETTINGS = frozenset(
    {
        "TALLYWAY_CONFORMANCE",
        "TALLYWAY_FUZZ_EXAMPLES",
        "TALLYWAY_KILL_ROUNDS",
        "TALLYWAY_REQUIRE_BROWSER",
        "TALLYWAY_REQUIRE_CLIENTS",
    }
)


class OutsideConnection(AssertionError):
    """A test tried to reach beyond loopback; an AssertionError so that code catching OSError cannot hide it."""


def is_local(host: object) -> bool:
    """Whether a host of an address is loopback; names other than localhost are never resolved here."""
    if host is None or host == "":
        return True
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def refuse_outside(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: raise OutsideConnection for a connection, datagram or look-up that is not loopback."""
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        if isinstance(address, tuple) and not is_local(address[0]):
            raise OutsideConnection(f"{event} to {address[0]}: tests talk to loopback only")
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"} and not is_local(arguments[0]):
        raise OutsideConnection(f"{event} of {arguments[0]!r}: tests look up no outside name")


def pytest_configure(config: pytest.Config) -> None:
    """Install the guard, clear the environment and settle hypothesis before any test module is imported.

    The plain run draws the same examples each time; `make fuzz` asks for more, by TALLYWAY_FUZZ_EXAMPLES.
    """
    wanted = int(os.environ.get("TALLYWAY_FUZZ_EXAMPLES", "0"))
    hypothesis.settings.register_profile(
        "suite", max_examples=wanted or 100, derandomize=not wanted, deadline=None, print_blob=True
    )
    hypothesis.settings.load_profile("suite")
    for name in [name for name in os.environ if name.startswith("TALLYWAY_") and not is_for_tests(name)]:
        del os.environ[name]
    live = [os.environ[name] for name in os.environ if name.startswith(LIVE_SETTINGS) and name.endswith("_URL")]
    if all(is_local(urlsplit(address).hostname) for address in live):  # a run that names an outside server has no guard
        sys.addaudithook(refuse_outside)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Call the roll where the results come together; look after what tests leave where they run."""
    session.config.pluginmanager.register(Leftovers())
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(RollCall())


def is_for_tests(name: str) -> bool:
    """Whether a setting is read by the tests themselves."""
    return name in TEST_SETTINGS or name.startswith(LIVE_SETTINGS)
