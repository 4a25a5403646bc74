"""There is one renewal at a time, whichever caller needs it and whatever happens to the caller that renews."""

import asyncio
from contextlib import contextmanager
from datetime import timedelta

import pytest

from moorage.clock import FrozenClock
from moorage.oauth.errors import AccountsUnreachable, RefreshLimited, TokenFailed, TokenRefused
from moorage.oauth.model import Need
from moorage.oauth.tokens import renewal, store
from moorage.oauth.tokens.renewal import BUDGET, LEASE_SECONDS, LONGEST_PAUSE, WINDOW
from moorage.oauth.tokens.service import NEAR_SECONDS
from tests.control_database import on_both as database_settings  # noqa: F401
from tests.oauth.conftest import HOUR, Accounts, access, read_again


@contextmanager
def another(control, refresh):
    """The same data folder as another process has it."""
    with control.another() as rooms:
        rooms.tokens._renewals._refresh = refresh
        yield rooms


def stored_token(control, connection, kind="access_token"):
    return control.run(control.rooms.vault.get(connection.id, kind)).value


def begin(control, connection):
    """Begin a renewal and stop, as a process that is killed."""
    need = Need(None, control.clock.timestamp() + NEAR_SECONDS)
    return control.run(control.rooms.tokens._renewals._begin(connection, need))


# Callers, processes.


def test_five_hundred_callers_on_an_expired_token_make_one(control, connected, refreshing):
    """R1."""
    control.clock.advance(HOUR)
    tokens = control.together(*(control.rooms.tokens.access(connected) for _ in range(500)))
    assert {token.value for token in tokens} == {"new-1"} and len(refreshing.asked) == 1


def test_another_process_waits_and_reads_what_the_first_one_got(control, connected, refreshing):
    control.clock.advance(HOUR)
    refreshing.meanwhile = lambda: asyncio.sleep(0.2)
    with another(control, refreshing.refresh) as other:
        asked = (rooms.tokens.access(connected) for rooms in (control.rooms, other) for _ in range(20))
        tokens = control.together(*asked)
    assert {token.value for token in tokens} == {"new-1"} and len(refreshing.asked) == 1


def test_nobody_waits_for_another_process_while_the_old_token_lives(control, connected, refreshing):
    old = stored_token(control, connected)
    control.clock.advance(HOUR - NEAR_SECONDS)
    begin(control, connected)
    with another(control, refreshing.refresh) as other:
        assert control.run(other.tokens.access(connected)).value == old
    assert refreshing.asked == []


# Leases and fences.


def test_whoever_takes_too_long_does_not_overwrite_what_came_later(control, connected, refreshing):
    """R3: an expired holder can't overwrite, and can't release another's lease."""
    control.clock.advance(HOUR)
    later = Accounts(control.clock)
    seen = []

    async def overtaken():
        control.clock.advance(LEASE_SECONDS)
        seen.append((await other.tokens.access(connected)).value)

    refreshing.meanwhile = overtaken
    later.asked = ["one before"]  # So that its token has another name.
    with another(control, later.refresh) as other:
        assert access(control, connected).value == "new-2"
    assert seen == ["new-2"] == [stored_token(control, connected)]
    assert (len(refreshing.asked), len(later.asked)) == (1, 2)


def test_whoever_was_overtaken_does_not_end_the_lease_of_the_other(control, connected, refreshing):
    """R3."""
    control.clock.advance(HOUR)
    slow = begin(control, connected)
    control.clock.advance(LEASE_SECONDS)
    later = begin(control, connected)
    assert later.fence == slow.fence + 1
    control.run(control.rooms.tokens._renewals._on_failure(slow, Need(None, 0), TokenFailed("late")))
    assert begin(control, connected) is None  # It is still held.


def test_a_refresh_token_that_came_late_is_kept_if_nothing_came_later(control, connected, refreshing):
    """R3, R2: where refresh tokens rotate, the slow one's may be the only one that is worth something."""
    control.clock.advance(HOUR)
    refreshing.rotates = True

    async def died():
        control.clock.advance(LEASE_SECONDS)
        assert await other.tokens._renewals._begin(connected, Need(None, control.clock.timestamp()))

    refreshing.meanwhile = died
    with another(control, refreshing.refresh) as other:
        assert access(control, connected).value == "new-1"
    assert stored_token(control, connected, "refresh_token") == "refresh-1"


def test_a_refusal_that_was_overtaken_fails_nothing(control, connected, refreshing):
    control.clock.advance(HOUR)
    refreshing.fault = TokenRefused("invalid_grant")
    later = Accounts(control.clock)
    later.rotates = True

    async def overtaken():
        control.clock.advance(LEASE_SECONDS)
        await other.tokens.access(connected)

    refreshing.meanwhile = overtaken
    with another(control, later.refresh) as other:
        assert access(control, connected).value == "new-1"
    assert read_again(control, connected).status == "ACTIVE"
    assert stored_token(control, connected, "refresh_token") == "refresh-1"


def test_the_lease_of_one_who_died_ends(control, connected, refreshing):
    control.clock.advance(HOUR)
    begin(control, connected)

    async def later():
        await asyncio.sleep(0.2)
        assert refreshing.asked == []
        control.clock.advance(LEASE_SECONDS)

    token, _ = control.together(control.rooms.tokens.access(connected), later())
    assert token.value == "new-1"


def test_whoever_waits_in_vain_is_told_when_to_come_back(control, connected, refreshing, monkeypatch):
    control.clock.advance(HOUR)
    begin(control, connected)
    monkeypatch.setattr(renewal, "WAIT_SECONDS", 0.2)
    with pytest.raises(AccountsUnreachable) as caught:
        access(control, connected)
    assert caught.value.retry_after == LEASE_SECONDS


def test_a_failure_of_ours_leaves_no_lease_behind(control, connected, refreshing):
    control.clock.advance(HOUR)
    refreshing.fault = RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        access(control, connected)
    refreshing.fault = None
    assert access(control, connected).value == "new-2"


def test_an_accounts_server_that_never_answers_is_given_up(control, connected, refreshing, monkeypatch):
    control.clock.advance(HOUR)
    monkeypatch.setattr(renewal, "ASK_SECONDS", 0.1)
    refreshing.meanwhile = lambda: asyncio.sleep(5)
    with pytest.raises(AccountsUnreachable):
        access(control, connected)
    assert read_again(control, connected).status == "ACTIVE"


def test_every_refresh_token_that_comes_is_the_next_one_used(control, connected, refreshing):
    refreshing.rotates = True
    token = access(control, connected).value
    for _ in range(4):
        token = access(control, connected, instead_of=token).value
    assert refreshing.asked[1:] == ["refresh-1", "refresh-2", "refresh-3"]
    assert stored_token(control, connected, "refresh_token") == "refresh-4"


def test_a_server_that_stops_ends_what_it_has_begun(control, connected, refreshing):
    """R2."""
    control.clock.advance(HOUR)
    refreshing.rotates = True
    asked = asyncio.Event()

    async def slowly():
        asked.set()
        await asyncio.sleep(0.2)

    async def stop_at_once(rooms):
        caller = asyncio.create_task(rooms.tokens.access(connected))
        await asked.wait()
        caller.cancel()
        await rooms.close()

    rooms = control.run(control._open())
    refreshing.meanwhile = slowly
    rooms.tokens._renewals._refresh = refreshing.refresh
    control.run(stop_at_once(rooms))
    assert stored_token(control, connected, "refresh_token") == "refresh-1"


# The budget.


def test_one_refresh_token_makes_nine_tokens_in_ten_minutes_and_no_more(control, connected, refreshing):
    """R5."""
    token = access(control, connected).value
    for _ in range(BUDGET):
        control.clock.advance(10)
        token = access(control, connected, instead_of=token).value
    with another(control, refreshing.refresh) as other:
        for rooms in (control.rooms, other):
            with pytest.raises(RefreshLimited) as caught:
                control.run(rooms.tokens.access(connected, instead_of=token))
    assert len(refreshing.asked) == BUDGET
    assert caught.value.retry_after == WINDOW - 10 * (BUDGET - 1)
    control.clock.advance(caught.value.retry_after)
    assert access(control, connected, instead_of=token).value == f"new-{BUDGET + 1}"
    with pytest.raises(RefreshLimited):
        access(control, connected, instead_of=f"new-{BUDGET + 1}")


def test_beyond_the_budget_the_old_token_serves_while_it_lives(control, connected, refreshing):
    """R5."""
    control.clock.advance(HOUR)
    refreshing.lifetime = NEAR_SECONDS - 1
    for number in range(1, BUDGET + 1):
        assert access(control, connected).value == f"new-{number}"
    for _ in range(3):
        assert access(control, connected).value == f"new-{BUDGET}"
    control.clock.advance(NEAR_SECONDS)
    with pytest.raises(RefreshLimited):
        access(control, connected)
    assert read_again(control, connected).status == "ACTIVE" and len(refreshing.asked) == BUDGET


def test_only_what_may_have_made_a_token_counts(control, connected, refreshing):
    control.clock.advance(HOUR)
    for certain, failure in ((True, "unreachable"), (False, "it took too long")):
        refreshing.asked.clear()
        refreshing.fault = TokenFailed(failure, may_have_minted=not certain)
        for _ in range(2 * BUDGET):
            with pytest.raises((AccountsUnreachable, RefreshLimited)):
                access(control, connected)
            control.clock.advance(LONGEST_PAUSE)
        assert len(refreshing.asked) == (2 * BUDGET if certain else BUDGET)


def test_a_new_refresh_token_has_a_budget_of_its_own(control, connected, refreshing):
    refreshing.rotates = True
    token = access(control, connected).value
    for _ in range(2 * BUDGET):
        token = access(control, connected, instead_of=token).value
    assert len(refreshing.asked) == 2 * BUDGET


def test_what_is_noted_of_a_connection_goes_with_it(control, owner, connected, refreshing):
    control.clock.advance(HOUR)
    access(control, connected)
    begin(control, connected)

    async def rows():
        async with control.rooms.database.transaction() as tx:
            tables = ("refresh_leases", "refresh_mints")
            read = tx.connection.exec_driver_sql
            return [len((await read(f"SELECT * FROM {table}")).all()) for table in tables]

    assert control.run(rows()) == [1, 1]
    assert owner.call("DELETE", f"/connections/{connected.id}").status == 200
    assert control.run(rows()) == [0, 0]


def lease(control, connection):
    async def read():
        async with control.rooms.database.transaction() as tx:
            return await store.lease(tx, connection.id)

    return control.run(read())


@pytest.mark.parametrize(
    ("fault", "noted"),
    [(TokenFailed("busy"), "busy"), (TokenFailed("no token", reason="Access Denied"), "Access Denied")],
    ids=["a sentence", "a code"],
)
def test_why_the_last_try_failed_is_known_until_one_succeeds(control, connected, refreshing, fault, noted):
    control.clock.advance(HOUR)
    refreshing.fault = fault
    with pytest.raises(AccountsUnreachable):
        access(control, connected)
    assert (lease(control, connected).failures, lease(control, connected).failure) == (1, noted)
    refreshing.fault = None
    control.clock.advance(LONGEST_PAUSE)
    access(control, connected)
    assert (lease(control, connected).failures, lease(control, connected).failure) == (0, None)


# Clocks.


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_lease_from_before_the_clock_was_put_right_holds_nobody_up(control, connected, refreshing, minutes):
    """R8."""
    control.clock.advance(2 * HOUR)
    begin(control, connected)
    control.clock.advance(60 * minutes)
    assert access(control, connected).value == "new-1"


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_pause_from_before_the_clock_was_put_right_holds_nobody_up(control, connected, refreshing, minutes):
    """R8."""
    control.clock.advance(2 * HOUR)
    refreshing.fault = TokenFailed("busy")
    with pytest.raises(AccountsUnreachable):
        access(control, connected)
    refreshing.fault = None
    control.clock.advance(60 * minutes)
    assert access(control, connected).value == "new-2"


@pytest.mark.parametrize("minutes", [-5, 5])
def test_an_accounts_server_whose_clock_is_wrong_changes_nothing(control, owner, minutes):
    """R8: every token that is given out is good at the moment it is given out."""

    class Wrong(FrozenClock):
        def now(self):
            return control.clock.now() + timedelta(minutes=minutes)

        def timestamp(self):
            return self.now().timestamp()

    control.crm.accounts._clock = Wrong(control.clock.now())
    control.organisation("acme")
    connection = read_again(control, control.run(_of(control, owner, owner.connect("acme")["id"])))
    for _ in range(3 * 60):
        token = access(control, connection).value
        assert control.crm.accounts.principal(f"Bearer {token}")
        control.run(control.rooms.tokens.renew_due())
        control.clock.advance(60)


async def _of(control, owner, connection_id):
    return await control.rooms.connections.get(owner.account, connection_id)
