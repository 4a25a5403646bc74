"""Where a call goes and with which token: what is remembered, for how long, and who shares an answer."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from moorage.access import Reach
from moorage.bounded import Bounded
from moorage.clock import FrozenClock
from moorage.connections.errors import ConnectionUnknown
from moorage.connections.model import Connection, Upstream
from moorage.gateway import resolve
from moorage.gateway.resolve import Resolver
from moorage.gateway.target import Origin, RouteKey, origin_of
from moorage.keys.errors import KeyInvalid, RateLimited, ScopeMissing
from moorage.keys.limits import RateLimiter
from moorage.keys.model import Principal
from moorage.keys.scopes import parse
from moorage.storage.errors import DatabaseUnusable
from tests.gateway.guards import Guards

KEY = b"Bearer key"


@dataclass
class Token:
    value: str
    expires_at: float | None = None
    upstream: Upstream | None = None
    renewable: bool = True


@dataclass
class Rooms:
    """Keys, connections and tokens at once. `gate` holds back the tokens until it is set."""

    clock: FrozenClock
    known: dict = field(default_factory=lambda: {"Bearer key": Principal("k", "acme")})
    upstream: Upstream = field(default_factory=lambda: Upstream("remote", "https://api.test"))
    named: dict = field(default_factory=dict)
    lasts: float | None = None
    renewable: bool = True
    count: int = 1
    asked: list = field(default_factory=list)
    reaches: list = field(default_factory=list)
    failure: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def authenticate(self, authorization):
        if authorization not in self.known:
            raise KeyInvalid
        return self.known[authorization]

    async def choose(self, account_id, app, connection_id, reach):
        if connection_id is not None and connection_id not in self.named:
            raise ConnectionUnknown(connection_id)
        self.reaches.append(reach)
        name = connection_id or "oldest"
        return Connection(name, account_id, app, "OAUTH2", "ACTIVE", 0, 0, 1, {}, self.upstream)

    async def access(self, connection, *, instead_of=None):
        self.asked.append(instead_of)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if instead_of == f"token-{self.count}":
            self.count += 1
        expires = None if self.lasts is None else self.clock.timestamp() + self.lasts
        return Token(f"token-{self.count}", expires, renewable=self.renewable)


@pytest.fixture
def clock():
    return FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def rooms(clock):
    rooms = Rooms(clock)
    rooms.gate.set()
    return rooms


@pytest.fixture
def resolver_of(rooms, clock):
    def make(rate=None):
        return Resolver(
            keys=rooms, connections=rooms, tokens=rooms, guards=Guards(), header=lambda app: f"{app} {{access_token}}",
            environment=lambda app, upstream: "live", limiter=RateLimiter(rate, clock), clock=clock,
        )  # fmt: skip

    return make


@pytest.fixture
def resolver(resolver_of):
    return resolver_of()


def remembered_target(resolver, app=b"crm", key=KEY, connection=None):
    return resolver.remembered(RouteKey(app, key, connection))


def reads_only(target):
    return target.guard is not None and target.guard.reads_only


def ask(resolver, app=b"crm", key=KEY, connection=None):
    return resolver.resolve(RouteKey(app, key, connection))


async def until(condition):
    for _ in range(50):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not happen")


def run(coroutine):
    return asyncio.run(coroutine)


def test_nothing_is_known_before_somebody_asked(resolver):
    assert remembered_target(resolver) is None


def test_an_answer_is_remembered_for_the_same_question_alone(resolver, rooms):
    rooms.named["other"] = True
    target = run(ask(resolver))
    assert remembered_target(resolver) is target
    assert (target.connection_id, target.account_id, target.app) == ("oldest", "acme", "crm")
    assert target.origin == Origin("https", "api.test", 443) and target.authorization == b"crm token-1"
    assert remembered_target(resolver, app=b"mail") is None
    assert remembered_target(resolver, key=b"Bearer other") is None
    assert remembered_target(resolver, key=None) is None
    assert remembered_target(resolver, connection=b"other") is None
    assert run(ask(resolver, connection=b"other")).connection_id == "other"


def test_an_answer_is_remembered_for_a_minute(resolver, clock):
    run(ask(resolver))
    clock.advance(59.9)
    assert remembered_target(resolver) is not None
    clock.advance(0.1)
    assert remembered_target(resolver) is None


def test_a_token_near_its_end_is_not_used(resolver, rooms, clock):
    rooms.lasts = resolve.MARGIN_SECONDS + 10
    run(ask(resolver))
    clock.advance(9.9)
    assert remembered_target(resolver) is not None
    clock.advance(0.1)
    assert remembered_target(resolver) is None


def test_a_token_too_near_its_end_is_given_but_not_remembered(resolver, rooms):
    rooms.lasts = resolve.MARGIN_SECONDS
    assert run(ask(resolver)).token == "token-1"
    assert remembered_target(resolver) is None


def test_an_embedded_connection_has_no_origin(resolver, rooms):
    rooms.upstream = Upstream("embedded", organisation="1")
    assert run(ask(resolver)).origin is None


def test_what_is_wrong_is_raised_and_not_remembered(resolver, rooms):
    with pytest.raises(KeyInvalid):
        run(ask(resolver, key=b"Bearer unknown"))
    with pytest.raises(KeyInvalid):
        run(ask(resolver, key=None))
    with pytest.raises(ConnectionUnknown):
        run(ask(resolver, connection=b"gone"))
    rooms.failure = RuntimeError("the vault is locked")
    with pytest.raises(RuntimeError):
        run(ask(resolver))
    rooms.failure = None
    assert run(ask(resolver)).token == "token-1"


def test_a_revoked_key_is_refused_once_the_memory_is_cleared(resolver, rooms):
    run(ask(resolver))
    rooms.known.clear()
    assert remembered_target(resolver) is not None
    resolver.clear()
    assert remembered_target(resolver) is None
    with pytest.raises(KeyInvalid):
        run(ask(resolver))


def test_a_deleted_connection_is_refused_once_the_memory_is_cleared(resolver, rooms):
    rooms.named["mine"] = True
    run(ask(resolver, connection=b"mine"))
    rooms.named.clear()
    resolver.clear()
    assert remembered_target(resolver, connection=b"mine") is None
    with pytest.raises(ConnectionUnknown):
        run(ask(resolver, connection=b"mine"))


def test_many_who_ask_at_once_share_one_answer(resolver, rooms):
    async def together():
        rooms.gate.clear()
        asking = [asyncio.create_task(ask(resolver)) for _ in range(100)]
        await until(lambda: rooms.asked)
        rooms.gate.set()
        return await asyncio.gather(*asking)

    targets = run(together())
    assert len(rooms.asked) == 1 and all(target is targets[0] for target in targets)


def test_a_caller_who_goes_away_takes_nothing_from_the_others(resolver, rooms):
    async def together():
        rooms.gate.clear()
        first, second = asyncio.create_task(ask(resolver)), asyncio.create_task(ask(resolver))
        await until(lambda: rooms.asked)
        first.cancel()
        await asyncio.sleep(0)
        rooms.gate.set()
        return await second

    assert run(together()).token == "token-1" and len(rooms.asked) == 1


def test_different_questions_are_asked_apart(resolver, rooms):
    rooms.known["Bearer other"] = Principal("k2", "other")

    async def together():
        rooms.gate.clear()
        asking = [asyncio.create_task(ask(resolver, key=key)) for key in (KEY, b"Bearer other")]
        await until(lambda: len(rooms.asked) == 2)
        rooms.gate.set()
        return await asyncio.gather(*asking)

    assert [target.account_id for target in run(together())] == ["acme", "other"]


def test_an_answer_from_before_a_change_is_not_remembered_and_not_shared(resolver, rooms):
    async def across():
        rooms.gate.clear()
        before = asyncio.create_task(ask(resolver))
        await until(lambda: len(rooms.asked) == 1)
        resolver.clear()
        after = asyncio.create_task(ask(resolver))
        await until(lambda: len(rooms.asked) == 2)
        rooms.upstream = Upstream("remote", "https://new.test")
        rooms.gate.set()
        await before
        return await after

    target = run(across())
    assert remembered_target(resolver) is target


def test_an_answer_that_a_change_overtook_alone_is_not_remembered(resolver, rooms):
    async def across():
        rooms.gate.clear()
        before = asyncio.create_task(ask(resolver))
        await until(lambda: rooms.asked)
        resolver.clear()
        rooms.gate.set()
        return await before

    assert run(across()).token == "token-1"
    assert remembered_target(resolver) is None


def test_each_request_counts_whether_it_is_asked_or_known(resolver_of):
    resolver = resolver_of(rate=2)  # Twice as many at once.
    run(ask(resolver))
    assert remembered_target(resolver) and run(ask(resolver)) and remembered_target(resolver)
    with pytest.raises(RateLimited):
        remembered_target(resolver)
    with pytest.raises(RateLimited):
        run(ask(resolver))


def test_what_is_not_known_does_not_count_twice(resolver_of):
    resolver = resolver_of(rate=0.5)  # One at once.
    assert remembered_target(resolver) is None
    run(ask(resolver))
    with pytest.raises(RateLimited):
        remembered_target(resolver)


def test_a_wrong_key_counts_for_nobody(resolver_of):
    resolver = resolver_of(rate=0.5)
    for _ in range(5):
        with pytest.raises(KeyInvalid):
            run(ask(resolver, key=b"Bearer wrong"))
    run(ask(resolver))


def test_a_refused_token_is_renewed_and_given_to_nobody_any_more(resolver, rooms):
    async def refuse():
        target = await ask(resolver)
        renewal = resolver.refused(target)
        assert remembered_target(resolver) is None  # Before the renewal is even awaited.
        renewed = await renewal
        return target, renewed, await ask(resolver)

    target, renewed, next_one = run(refuse())
    assert (target.token, renewed.token, next_one.token) == ("token-1", "token-2", "token-2")
    assert renewed.connection is target.connection
    assert remembered_target(resolver) is next_one


def test_many_refusals_of_one_token_are_one_renewal(resolver, rooms):
    async def refuse():
        target = await ask(resolver)
        return await asyncio.gather(*(resolver.refused(target) for _ in range(50)))

    renewed = run(refuse())
    assert {target.token for target in renewed} == {"token-2"} and rooms.asked == [None, "token-1"]


def test_another_token_that_is_refused_too_is_not_renewed_for_a_minute(resolver, clock):
    target = run(ask(resolver))
    assert resolver.may_refresh(target)
    renewed = run(resolver.refused(target))
    assert resolver.may_refresh(target)  # An old call that only now hears of the refusal.
    assert not resolver.may_refresh(renewed)
    clock.advance(resolve.REFUSAL_SECONDS)
    assert resolver.may_refresh(renewed)


def test_another_token_helps_only_where_there_can_be_one(resolver, rooms):
    rooms.renewable = False
    target = run(ask(resolver))
    assert not resolver.may_refresh(target)
    assert remembered_target(resolver) is target and rooms.asked == [None]


def test_a_failed_renewal_is_raised_and_the_refused_token_stays_refused(resolver, rooms):
    target = run(ask(resolver))
    rooms.failure = RuntimeError("no")
    with pytest.raises(RuntimeError):
        run(resolver.refused(target))
    rooms.failure = None
    assert remembered_target(resolver) is None
    assert run(ask(resolver)).token == "token-2"


def test_what_a_key_was_not_made_for_is_refused_and_not_remembered(resolver, rooms):
    for texts in (["keys:read"], ["proxy:mail"]):
        rooms.known["Bearer key"] = Principal("k", "acme", parse(texts))
        with pytest.raises(ScopeMissing, match=r"proxy:crm:read\."):
            run(ask(resolver))
        assert remembered_target(resolver) is None and rooms.asked == []


def test_whether_a_key_may_write_is_remembered_with_the_answer(resolver, rooms):
    rooms.named["mine"] = True
    rooms.known["Bearer key"] = Principal("k", "acme", parse(["proxy:crm:read"]))
    rooms.known["Bearer other"] = Principal("k2", "acme", parse(["proxy:crm"]))
    assert reads_only(run(ask(resolver))) and reads_only(remembered_target(resolver))
    run(ask(resolver, key=b"Bearer other"))
    assert not reads_only(remembered_target(resolver, key=b"Bearer other")) and reads_only(
        remembered_target(resolver)
    )


def test_a_key_that_may_only_read_may_not_more_with_another_token(resolver, rooms):
    rooms.known["Bearer key"] = Principal("k", "acme", parse(["proxy:read"]))
    rooms.known["Bearer other"] = Principal("k2", "acme")

    async def refuse():
        targets = [await ask(resolver), await ask(resolver, key=b"Bearer other")]
        return await asyncio.gather(*(resolver.refused(target) for target in targets))

    reader, writer = run(refuse())
    assert (reader.token, reads_only(reader)) == ("token-2", True)
    assert (writer.token, reads_only(writer)) == ("token-2", False)


def test_connections_are_chosen_among_those_in_reach(resolver, rooms):
    rooms.known["Bearer key"] = Principal("k", "acme", parse(["proxy:crm", "proxy:mail:read"]), "test")
    run(ask(resolver))
    assert rooms.reaches == [Reach(frozenset({"crm", "mail"}), embedded_only=True)]


def test_an_answer_is_remembered_no_longer_than_the_key_works(resolver, rooms, clock):
    ends = clock.now() + timedelta(seconds=10)
    rooms.known["Bearer key"] = Principal("k", "acme", expires_at=ends)
    run(ask(resolver))
    clock.advance(9.9)
    assert remembered_target(resolver) is not None
    clock.advance(0.1)
    assert remembered_target(resolver) is None


@pytest.mark.parametrize("shorter", ["token", "key"])
def test_what_is_known_serves_on_while_the_database_can_not_be_read(resolver, rooms, clock, shorter):
    rooms.lasts = 3600 if shorter == "key" else 300 + resolve.MARGIN_SECONDS
    ends = clock.now() + timedelta(seconds=300 if shorter == "key" else 3600)
    rooms.known["Bearer key"] = Principal("k", "acme", expires_at=ends)
    first = run(ask(resolver))
    rooms.failure = DatabaseUnusable("It can't be read.")
    clock.advance(61)
    assert remembered_target(resolver) is None
    assert run(ask(resolver)).token == first.token
    clock.advance(resolve.OUTAGE_SECONDS)
    assert remembered_target(resolver) is None, "the database is asked again"
    clock.advance(300 - 61 - resolve.OUTAGE_SECONDS)
    with pytest.raises(DatabaseUnusable):
        run(ask(resolver))


def test_what_changed_is_not_served_from_memory(resolver, rooms):
    run(ask(resolver))
    rooms.failure = DatabaseUnusable("It can't be read.")
    resolver.clear()
    with pytest.raises(DatabaseUnusable):
        run(ask(resolver))


def test_the_memory_is_bounded(resolver, rooms):
    resolver._targets = Bounded(10)
    rooms.named.update({str(number): True for number in range(35)})
    for number in range(35):
        run(ask(resolver, connection=str(number).encode()))
    remembered = [n for n in range(35) if remembered_target(resolver, connection=str(n).encode()) is not None]
    assert remembered == list(range(25, 35))


def test_neither_key_nor_token_shows(resolver):
    target = run(ask(resolver))
    assert "token-1" not in repr(target)
    assert b"Bearer key" not in repr(resolver._targets).encode() and "token-1" not in repr(resolver._targets)


@pytest.mark.parametrize(
    ("base_url", "authority", "path"),
    [
        ("https://www.zohoapis.com", b"www.zohoapis.com", b""),
        ("https://a.test:443/", b"a.test", b""),
        ("http://a.test:8080/base/", b"a.test:8080", b"/base"),
        ("http://[::1]:80/x", b"[::1]", b"/x"),
        ("https://[2001:db8::1]:8443", b"[2001:db8::1]:8443", b""),
    ],
)
def test_a_base_url_becomes_an_origin(base_url, authority, path):
    origin = origin_of(base_url)
    assert (origin.authority, origin.base_path) == (authority, path)


@pytest.mark.parametrize("base_url", ["ftp://a.test", "https://", "a.test", "/path"])
def test_what_is_no_base_url_becomes_none(base_url):
    with pytest.raises(ValueError, match="base URL"):
        origin_of(base_url)
