"""Our own rate limits, as requests meet them: by address before anything is looked at, by key once it is known."""

from starlette.types import Scope

from gateway.access.keyring import OPERATOR
from gateway.access.rate_limit import RateLimit
from gateway.http.server.visitor import client_of
from gateway.services import Services
from gateway.tenancy import Caller
from models.errors import TooManyRequests


def admit_address(scope: Scope, services: Services) -> None:
    """Raises TooManyRequests for an address that asks too often.

    A trusted proxy that says of nobody whom it speaks for is not counted: that would be a limit for everybody together.
    """
    _admit(scope, services, services.address_rate)


def admit_tracker(scope: Scope, services: Services) -> None:
    """The same for where trackers send. They have a limit of their own, which is off: a campus or a server may stand
    behind an address, and what is refused here is lost."""
    _admit(scope, services, services.event_rate)


def _admit(scope: Scope, services: Services, rate: RateLimit) -> None:
    if rate.limits:
        client = client_of(scope, services.settings)
        if client.known:
            _take(rate, client.name, "address_rate", services)


def admit_key(caller: Caller, services: Services) -> None:
    """Raises TooManyRequests for a key that asks too often. The operator's own, from the settings, is not limited."""
    if services.key_rate.limits and caller.key != OPERATOR:
        _take(services.key_rate, caller.key, "key_rate", services)


def takes(scope: Scope, services: Services, caller: Caller) -> bool:
    """`admit_address` and `admit_key` in one, for a request within both limits; otherwise nothing is taken."""
    if not _is_taken(scope, services, services.address_rate):
        return False
    try:
        if caller.key != OPERATOR:
            services.key_rate.take(caller.key)
    except TooManyRequests:
        _give_back(scope, services)
        return False
    return True


def takes_tracker(scope: Scope, services: Services) -> bool:
    """`admit_tracker` for a request within its limit; otherwise nothing is taken."""
    return _is_taken(scope, services, services.event_rate)


def give_back(scope: Scope, services: Services, caller: Caller) -> None:
    """Undo `takes` for a request that meets both limits again on the ordinary way."""
    _give_back(scope, services)
    if caller.key != OPERATOR:
        services.key_rate.give_back(caller.key)


def _is_taken(scope: Scope, services: Services, rate: RateLimit) -> bool:
    if rate.limits and (client := client_of(scope, services.settings)).known:
        try:
            rate.take(client.name)
        except TooManyRequests:
            return False
    return True


def _give_back(scope: Scope, services: Services) -> None:
    client = client_of(scope, services.settings)
    if client.known:
        services.address_rate.give_back(client.name)


def _take(rate: RateLimit, name: str, what: str, services: Services) -> None:
    try:
        rate.take(name)
    except TooManyRequests:
        services.prometheus.refused(what)
        raise
