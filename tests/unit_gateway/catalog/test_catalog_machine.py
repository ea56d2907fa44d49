"""A machine of two tenants that make, change and delete sites, goals and keys, against dictionaries of what is true."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from adapters.base import Context
from adapters.local.management import Management
from gateway.access.keyring import Keyring
from gateway.catalog import Catalog, keys, sites, tenants
from gateway.catalog.audit_trail import AuditTrail
from gateway.catalog.documents import DocumentLedger
from gateway.outbound.connections import NoTransport
from gateway.tenancy import BUILT_IN, Caller, KeyScope, SiteRecord, Tenant
from models.errors import AlreadyExists, Conflict, NotAuthenticated, NotFound, UnknownGoal, UnknownSite
from models.goal import GoalDraft
from models.site import Site, SiteChange
from tests.unit_gateway.tables import NOW

T = TypeVar("T")
DOMAINS, EVENTS = [f"{name}.example.com" for name in "abc"], ["Sale", "Signup"]
whose, domain, event, number = st.integers(0, 1), st.sampled_from(DOMAINS), st.sampled_from(EVENTS), st.integers(0, 9)


@dataclass
class KnownSite:
    """What must be true of a site. `former` is the domain it had before, unless somebody has it now."""

    id: str
    domain: str
    former: str | None = None
    generation: int = 0
    goals: dict[str, str] = field(default_factory=dict)


@dataclass
class KnownKey:
    """What must be true of a key; `ends` None is never."""

    id: str
    secret: str
    ends: datetime | None = None
    revoked: bool = False


class CatalogMachine(RuleBasedStateMachine):
    """Two owners over one file, which is closed and opened again in between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.loop, self.now, self.made = asyncio.new_event_loop(), NOW, 0
        self.open()
        self.owners = [self.catalog.run_now(tenants.create, name, name, self.now) for name in ("one", "two")]
        self.sites: list[dict[str, KnownSite]] = [{}, {}]
        self.keys: list[dict[str, KnownKey]] = [{}, {}]

    def open(self) -> None:
        self.catalog = Catalog(Path(self.folder.name))
        self.goals = Management(
            Context(NoTransport(), DocumentLedger(self.catalog, "", BUILT_IN), lambda: self.now, Path())
        )
        audit_trail = AuditTrail(self.catalog, lambda: self.now)
        self.keyring = Keyring(
            catalog=self.catalog, audit=audit_trail, now=lambda: self.now, operator_key=None, remembered_seconds=5
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def chosen(self, who: int, number: int) -> KnownSite | None:
        """One of the owner's sites, by turns."""
        mine = list(self.sites[who].values())
        return mine[number % len(mine)] if mine else None

    def taken(self, domain: str) -> bool:
        return any(site.domain == domain for mine in self.sites for site in mine.values())

    def no_longer_formerly(self, domain: str, besides: str = "") -> None:
        for mine in self.sites:
            for site in mine.values():
                if site.former == domain and site.id != besides:
                    site.former = None

    @rule(who=whose, domain=domain)
    def create_site(self, who: int, domain: str) -> None:
        site = Site(id=sites.new_site_id(), domain=domain)
        record = SiteRecord(site, self.owners[who].id, BUILT_IN, "local")
        try:
            self.catalog.run_now(sites.create, self.owners[who], record, self.now)
        except AlreadyExists:
            assert self.taken(domain)
            return
        assert not self.taken(domain)
        self.no_longer_formerly(domain)
        self.sites[who][site.id] = KnownSite(site.id, domain)

    @rule(who=whose, number=number, domain=domain)
    def move_site(self, who: int, number: int, domain: str) -> None:
        if (site := self.chosen(who, number)) is None:
            return
        try:
            self.catalog.run_now(sites.change, self.owners[who], site.id, SiteChange(domain=domain), None)
        except AlreadyExists:
            assert self.taken(domain)
            assert site.domain != domain
            return
        if domain != site.domain:
            self.no_longer_formerly(domain)
            site.former, site.domain = site.domain, domain
        site.generation += 1

    @rule(who=whose, number=number)
    def delete_site(self, who: int, number: int) -> None:
        if (site := self.chosen(who, number)) is not None:
            self.catalog.run_now(sites.delete, self.owners[who], site.id)
            self.run(self.goals.forget(Site(id=site.id, domain=site.domain)))
            del self.sites[who][site.id]

    @rule(who=whose, number=number)
    def nothing_of_another_can_be_touched(self, who: int, number: int) -> None:
        stranger = self.owners[1 - who]
        if (site := self.chosen(who, number)) is not None:
            for work in (sites.delete, lambda db, t, i: sites.change(db, t, i, SiteChange(name="mine"), None)):
                try:
                    self.catalog.run_now(work, stranger, site.id)
                except UnknownSite:
                    continue
                raise AssertionError("it was touched")
            self.catalog.run_now(sites.bump, stranger, site.id)
        for key in self.keys[who].values():
            try:
                self.catalog.run_now(keys.revoke, stranger, key.id, self.now)
            except NotFound:
                continue
            raise AssertionError("it was revoked")

    @rule(who=whose, number=number, event=event)
    def put_goal(self, who: int, number: int, event: str) -> None:
        if (site := self.chosen(who, number)) is not None:
            place = Site(id=site.id, domain=site.domain)
            found = self.run(self.goals.create_goal(place, GoalDraft(event_name=event)))
            assert site.goals.setdefault(event, found.id) == found.id, "the same goal has the same id"
            self.catalog.run_now(sites.bump, self.owners[who], site.id)
            site.generation += 1

    @rule(who=whose, number=number, event=event)
    def delete_goal(self, who: int, number: int, event: str) -> None:
        if (site := self.chosen(who, number)) is None:
            return
        place = Site(id=site.id, domain=site.domain)
        others = next((s.goals[event] for s in self.sites[1 - who].values() if event in s.goals), "999")
        goal_id = site.goals.pop(event, others)
        known = goal_id != others
        try:
            self.run(self.goals.delete_goal(place, goal_id))
        except UnknownGoal:
            assert not known
        else:
            assert known

    @rule(who=whose, minutes=st.sampled_from([None, 10, 60]))
    def create_key(self, who: int, minutes: int | None) -> None:
        ends = None if minutes is None else self.now + timedelta(minutes=minutes)
        made, secret = self.run(self.keyring.create(self.admin(who), name="k", scopes=[KeyScope.READ], expires_at=ends))
        self.keys[who][made.id] = KnownKey(made.id, secret, ends)

    def admin(self, who: int) -> Caller:
        return Caller(self.owners[who], "key_admin", frozenset({KeyScope.ADMIN}))

    @rule(who=whose, number=number)
    def revoke_key(self, who: int, number: int) -> None:
        if self.keys[who]:
            key = list(self.keys[who].values())[number % len(self.keys[who])]
            self.run(self.keyring.revoke(self.admin(who), key.id))
            key.revoked = True

    @rule(who=whose, number=number, grace=st.sampled_from([0, 5]))
    def rotate_key(self, who: int, number: int, grace: int) -> None:
        if not self.keys[who]:
            return
        key = list(self.keys[who].values())[number % len(self.keys[who])]
        old_ends = key.ends
        try:
            made, secret = self.run(self.keyring.rotate(self.admin(who), key.id, timedelta(minutes=grace)))
        except Conflict:
            assert not self.works(key)
            return
        assert self.works(key)
        if grace:
            until = self.now + timedelta(minutes=grace)
            key.ends = until if old_ends is None else min(until, old_ends)
        else:
            key.revoked = True
        self.keys[who][made.id] = KnownKey(made.id, secret, old_ends)

    def works(self, key: KnownKey) -> bool:
        return not key.revoked and (key.ends is None or key.ends > self.now)

    @rule(minutes=st.sampled_from([1, 20]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def restart(self) -> None:
        self.catalog.close()
        self.open()

    @invariant()
    def sites_are_as_remembered(self) -> None:
        for owner, mine in zip(self.owners, self.sites, strict=True):
            found = self.catalog.run_now(sites.listed, owner, limit=100)
            assert {(r.site.id, r.site.domain, r.generation) for r in found} == {
                (s.id, s.domain, s.generation) for s in mine.values()
            }
            for domain in DOMAINS:
                assert self.reached(owner, domain) == self.expected(mine, domain)

    def reached(self, owner: Tenant, domain: str) -> str | None:
        try:
            return self.catalog.run_now(sites.by_ref, owner, domain).site.id
        except UnknownSite:
            return None

    def expected(self, mine: dict[str, KnownSite], domain: str) -> str | None:
        """By its domain, or else by the one it had before, which nobody has had since."""
        now = [site.id for site in mine.values() if site.domain == domain]
        before = [site.id for site in mine.values() if site.former == domain]
        assert len(now) <= 1
        assert len(before) <= 1
        return next(iter((*now, *before)), None)

    @invariant()
    def goals_are_as_remembered(self) -> None:
        for mine in self.sites:
            for site in mine.values():
                found = self.run(self.goals.list_goals(Site(id=site.id, domain=site.domain)))
                assert {goal.event_name: goal.id for goal in found} == site.goals

    @invariant()
    def keys_open_what_is_their_owners_and_nothing_else(self) -> None:
        for owner, mine in zip(self.owners, self.keys, strict=True):
            assert {k.id for k in self.catalog.run_now(keys.listed, owner, "", 100)} == mine.keys()
            for key in mine.values():
                try:
                    caller = self.run(self.keyring.caller(key.secret))
                except NotAuthenticated:
                    assert not self.works(key)
                else:
                    assert self.works(key)
                    assert caller.tenant == owner

    def teardown(self) -> None:
        self.catalog.close()
        self.loop.close()
        self.folder.cleanup()


TestCatalogMachine = CatalogMachine.TestCase
TestCatalogMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
