"""Minted tokens are never lost: a token that can't be written is kept in memory, and written when possible."""

import asyncio
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from moorage.oauth.errors import ReconnectNeeded, TokenRefused
from moorage.oauth.tokens import unwritten
from moorage.oauth.tokens.renewal import BUDGET, LEASE_SECONDS
from moorage.oauth.tokens.service import NEAR_SECONDS
from moorage.settings.readers import Secret
from moorage.storage.errors import DatabaseUnusable
from moorage.vault.keys import shared_keys
from tests.control import in_registry
from tests.control_database import Held
from tests.control_database import on_both as database_settings  # noqa: F401
from tests.log_lines import capture_logs
from tests.oauth.conftest import HOUR, access, read_again
from tests.oauth.test_renewal import another, stored_token


def be_impatient(control, rooms):
    """Let its writers wait for 50 ms in place of ten seconds."""
    rooms.database.patience = 0.05


@pytest.fixture
def disk(control):
    be_impatient(control, control.rooms)
    disk = Held(control.settings)
    yield disk
    disk.let_go()
    disk.close()


@pytest.fixture
def spent(control, connected, refreshing):
    """A connection of an app that rotates refresh tokens, whose token has ended."""
    control.clock.advance(HOUR)
    refreshing.rotates = True
    return connected


@contextmanager
def failing_commit(disk, refreshing):
    """The disk can't be written from the accounts server's answer on."""

    async def hold():
        disk.hold()

    refreshing.meanwhile = hold
    yield
    refreshing.meanwhile = None


def written(control, connection):
    """The refresh token that is stored, once nothing is left to be written."""
    tasks = control.rooms.unwritten._tasks

    async def wait():
        await asyncio.wait(tasks, timeout=30)

    if tasks:
        control.run(wait())
    return stored_token(control, connection, "refresh_token")


@contextmanager
def locked_vault(control):
    """The vault with another key than the one that encrypted what is in it."""
    key = control.settings.home / "vault.key"
    if not key.exists():  # The key comes from a setting.
        vault = control.rooms.vault
        right, vault._keys = vault._keys, shared_keys(Secret("22" * 32), control.settings.home)
        yield
        vault._keys = right
        return
    right = key.read_text()
    key.write_text("22" * 32)
    yield
    key.write_text(right)


def test_they_are_served_meanwhile_and_written_once_there_is_room(control, spent, refreshing, disk):
    with capture_logs() as lines, failing_commit(disk, refreshing):
        assert access(control, spent).value == "new-1"
        for _ in range(3):
            assert access(control, spent).value == "new-1"
        assert access(control, spent).renewable
        disk.let_go()
        assert written(control, spent) == "refresh-1"
    assert refreshing.asked == refreshing.asked[:1]
    assert [line["event"] for line in lines].count("oauth.tokens_unwritten") == 1
    assert not [line for line in lines if "refresh-1" in str(line) or "new-1" in str(line)]


def test_the_next_renewal_begins_from_them_and_not_from_what_is_stored(control, spent, refreshing, disk):
    with failing_commit(disk, refreshing):
        token = access(control, spent).value
    disk.let_go()
    assert access(control, spent, instead_of=token).value == "new-2"
    assert refreshing.asked[1:] == ["refresh-1"]


def test_they_are_served_to_their_end_whatever_keeps_them_from_being_written(
    control, spent, refreshing, disk, monkeypatch
):
    monkeypatch.setattr(unwritten, "FIRST_PAUSE", 1000.0)
    with failing_commit(disk, refreshing):
        assert access(control, spent).value == "new-1"
    control.clock.advance(HOUR - NEAR_SECONDS / 2)  # From here on it is to be renewed.
    assert access(control, spent).value == "new-1"
    disk.let_go()
    with locked_vault(control):
        assert access(control, spent).value == "new-1"
    control.run(control.rooms.unwritten.close())
    assert stored_token(control, spent, "refresh_token") == "refresh-1"


def test_a_refresh_token_that_is_worth_nothing_is_never_sent_again(control, spent, refreshing, disk):
    with failing_commit(disk, refreshing):
        token = access(control, spent).value
    with pytest.raises(DatabaseUnusable):
        access(control, spent, instead_of=token)
    assert len(refreshing.asked) == 1 and read_again(control, spent).status == "ACTIVE"


def test_another_process_that_was_refused_meanwhile_fails_nothing_for_good(
    control, spent, refreshing, disk, monkeypatch
):
    monkeypatch.setattr(unwritten, "FIRST_PAUSE", 1000.0)  # So that the other one is first, the worst case.
    with failing_commit(disk, refreshing), another(control, refuse) as other:
        be_impatient(control, other)
        assert access(control, spent).value == "new-1"
        control.clock.advance(LEASE_SECONDS)  # Which could not be made to last longer.
        disk.let_go()
        with pytest.raises(ReconnectNeeded, match="invalid_grant"):
            access(other_control(control, other), spent)
    assert read_again(control, spent).status == "FAILED"
    control.run(control.rooms.unwritten.close())
    assert stored_token(control, spent, "refresh_token") == "refresh-1"
    assert (
        read_again(control, spent).status == "ACTIVE" and "reason" not in read_again(control, spent).metadata
    )
    assert access(control, spent).value == "new-1"


def other_control(control, rooms):
    return SimpleNamespace(run=control.run, rooms=rooms)


async def refuse(*_):
    raise TokenRefused("invalid_grant")


def test_a_later_writer_wins_by_its_fence(control, spent, refreshing, disk):
    with failing_commit(disk, refreshing):
        access(control, spent)
    renewal, minted = control.rooms.tokens._renewals._minted[spent.id]
    disk.let_go()
    written(control, spent)
    assert access(control, spent, instead_of="new-1").value == "new-2"
    assert control.run(control.rooms.tokens._renewals._write(renewal, minted)) is None
    assert stored_token(control, spent, "refresh_token") == "refresh-2"


def test_a_process_that_ends_tries_once_more_and_says_what_is_lost(control, spent, refreshing, disk):
    with failing_commit(disk, refreshing):
        access(control, spent)
    with capture_logs() as lines:
        control.run(control.rooms.unwritten.close())
    [lost] = [line for line in lines if line["event"] == "oauth.tokens_lost"]
    assert lost["connection"] == spent.id and lost["log_level"] == "critical"


def test_a_process_that_ends_writes_what_it_can_by_then(control, spent, refreshing, disk):
    with failing_commit(disk, refreshing):
        access(control, spent)
    disk.let_go()
    control.run(control.rooms.unwritten.close())
    assert stored_token(control, spent, "refresh_token") == "refresh-1"


def test_while_nothing_can_be_written_the_old_token_serves_as_long_as_it_lives(
    control, connected, refreshing, disk
):
    old = stored_token(control, connected)
    control.clock.advance(HOUR - 30)
    disk.hold()
    assert access(control, connected).value == old
    control.clock.advance(60)
    with pytest.raises(DatabaseUnusable):
        access(control, connected)
    assert refreshing.asked == []


def test_tokens_of_a_consent_are_kept_and_written_too(control, owner, disk, monkeypatch):
    control.organisation("acme")
    connection = owner.connect()
    real = control.rooms.accounts.exchange

    async def exchange(*arguments):
        minted = await real(*arguments)
        disk.hold()
        asyncio.get_running_loop().call_later(0.5, disk.let_go)
        return minted

    monkeypatch.setattr(control.rooms.accounts, "exchange", exchange)
    assert control.press(connection["url"], "acme").status == 200
    assert owner.get(f"/connections/{connection['id']}").json["connection"]["status"] == "ACTIVE"


def test_a_person_is_told_when_it_takes_too_long_and_the_tries_go_on(control, owner, disk, monkeypatch):
    control.organisation("acme")
    connection = owner.connect()
    monkeypatch.setattr(unwritten, "WAIT_SECONDS", 0.3)
    real = control.rooms.accounts.exchange

    async def exchange(*arguments):
        minted = await real(*arguments)
        disk.hold()
        return minted

    monkeypatch.setattr(control.rooms.accounts, "exchange", exchange)
    page = control.press(connection["url"], "acme")
    assert page.status == 503 and ("another program" in page.text or "hold a lock" in page.text)
    disk.let_go()
    control.run(control.rooms.unwritten.close())
    assert owner.get(f"/connections/{connection['id']}").json["connection"]["status"] == "ACTIVE"


@pytest.mark.parametrize(("table", "advice"), [("refresh_tokens", "doctor"), ("organisations", "good copy")])
def test_trouble_of_the_embedded_crm_is_told_as_that_and_holds_up_nothing_once_it_is_over(
    control, owner, table, advice
):
    control.organisation("acme")
    connection = control.run(control.rooms.connections.get(owner.account, owner.connect("acme")["id"]))
    control.clock.advance(HOUR)
    in_registry(control, f"ALTER TABLE {table} RENAME TO elsewhere")
    for _ in range(BUDGET + 1):
        with pytest.raises(DatabaseUnusable, match="damaged") as raised:
            access(control, connection)
        assert advice in raised.value.help
    in_registry(control, f"ALTER TABLE elsewhere RENAME TO {table}")
    assert access(control, connection).expires_at > control.clock.timestamp()
    assert read_again(control, connection).status == "ACTIVE"


def test_damage_within_the_registry_is_told_as_that(control, owner):
    control.organisation("acme")
    connection = control.run(control.rooms.connections.get(owner.account, owner.connect("acme")["id"]))
    control.clock.advance(HOUR)
    in_registry(control, "UPDATE organisations SET name = CAST(X'f3' AS TEXT)")
    with pytest.raises(DatabaseUnusable, match="damaged"):
        access(control, connection)
