"""Tokens of connections in use are renewed before their end, so that no caller waits."""

import random

import pytest

from moorage.oauth.errors import TokenFailed, TokenRefused
from moorage.oauth.tokens.proactive import EARLY_SECONDS, IN_USE_SECONDS, JITTER_SECONDS
from moorage.oauth.tokens.renewal import BUDGET, LONGEST_PAUSE, WINDOW
from tests.oauth.conftest import HOUR, access, read_again


def look(control):
    control.run(control.rooms.tokens.renew_due())


def test_a_connection_in_use_is_renewed_early_and_no_caller_waits(control, connected, refreshing):
    old = access(control, connected).value
    control.clock.advance(HOUR - EARLY_SECONDS - JITTER_SECONDS - 1)
    look(control)
    assert refreshing.asked == []
    control.clock.advance(JITTER_SECONDS + 1)
    assert access(control, connected).value == old
    look(control)
    assert len(refreshing.asked) == 1
    assert access(control, connected).value == "new-1"
    look(control)
    assert len(refreshing.asked) == 1


def test_a_connection_that_nobody_uses_is_left_alone(control, connected, refreshing):
    access(control, connected)
    control.clock.advance(IN_USE_SECONDS)
    look(control)
    control.clock.advance(HOUR)
    look(control)
    assert refreshing.asked == []
    assert access(control, connected).value == "new-1"


def test_a_connection_in_use_stays_fresh_for_as_long_as_it_is(control, connected, refreshing):
    for _ in range(100):
        token = access(control, connected)
        assert token.expires_at > control.clock.timestamp()
        asked = len(refreshing.asked)
        control.clock.advance(HOUR / 30)
        look(control)
        assert len(refreshing.asked) - asked <= 1
    assert len(refreshing.asked) == 3


def test_not_all_are_renewed_at_once(control, owner, connected, refreshing):
    uses = control.rooms.tokens._schedule
    for _ in range(30):
        connection = control.run(control.rooms.connections.get(owner.account, owner.connect("acme")["id"]))
        access(control, connection)
    due = sorted(use.due for use in uses._uses.values())
    assert len(set(due)) == 30 and due[-1] - due[0] > JITTER_SECONDS / 4
    assert all(
        HOUR - EARLY_SECONDS - JITTER_SECONDS <= moment - control.clock.timestamp() <= HOUR - EARLY_SECONDS
        for moment in due
    )


def test_a_token_that_never_lasts_long_is_not_renewed_without_pause(control, connected, refreshing):
    access(control, connected)
    control.clock.advance(HOUR)
    refreshing.lifetime = 240
    access(control, connected)
    for _ in range(100):
        control.clock.advance(10)
        look(control)
    assert len(refreshing.asked) <= 1 + 1000 / 120


def test_a_failure_is_tried_again_and_troubles_nobody(control, connected, refreshing):
    old = access(control, connected).value
    control.clock.advance(HOUR - EARLY_SECONDS)
    refreshing.fault = TokenFailed("busy")
    for _ in range(10):
        look(control)
        assert access(control, connected).value == old
        control.clock.advance(10)
    assert 1 < len(refreshing.asked) < 10 and read_again(control, connected).status == "ACTIVE"
    refreshing.fault = None
    control.clock.advance(LONGEST_PAUSE)
    look(control)
    assert access(control, connected).value.startswith("new-")


def test_a_refusal_fails_the_connection_and_is_not_repeated(control, connected, refreshing):
    access(control, connected)
    control.clock.advance(HOUR - EARLY_SECONDS)
    refreshing.fault = TokenRefused("invalid_code")
    for _ in range(3):
        look(control)
    assert read_again(control, connected).status == "FAILED" and len(refreshing.asked) == 1


def test_a_connection_that_was_deleted_is_forgotten(control, owner, connected, refreshing):
    access(control, connected)
    control.clock.advance(HOUR - EARLY_SECONDS)
    owner.call("DELETE", f"/connections/{connected.id}")
    look(control)
    assert refreshing.asked == []


def test_a_vault_that_is_locked_stops_nothing_else(control, connected, refreshing):
    access(control, connected)
    control.clock.advance(HOUR - EARLY_SECONDS)
    file = control.settings.home / "vault.key"
    content = file.read_text()
    file.write_text("ab" * 32)
    look(control)
    assert refreshing.asked == []
    file.write_text(content + "\n")
    look(control)
    assert access(control, connected).value == "new-1"


@pytest.mark.slow
def test_a_day_of_traffic_over_fifty_connections_fails_no_call_and_stays_within_budget(control, owner):
    """R1, R5: with the embedded CRM's own accounts server behind."""
    control.organisation("acme")
    rooms, chance = control.rooms, random.Random(7)
    ids = [owner.connect("acme")["id"] for _ in range(50)]
    connections = [control.run(rooms.connections.get(owner.account, connection_id)) for connection_id in ids]
    minted = {connection_id: [] for connection_id in ids}
    real = rooms.tokens._renewals._refresh

    async def refresh(connection, refresh_token):
        minted[connection.id].append(control.clock.timestamp())
        return await real(connection, refresh_token)

    rooms.tokens._renewals._refresh = refresh

    async def day():
        for step in range(24 * 20):
            # A few are busy; each of the others is called some times a day.
            called = chance.sample(connections[:10], 2) + (
                [] if step % 3 else chance.sample(connections[10:], 1)
            )
            for connection in called:
                token = await rooms.tokens.access(connection)
                assert await rooms.crm.accounts.principal(f"Zoho-oauthtoken {token.value}")
            await rooms.tokens.renew_due()
            control.clock.advance(180)

    control.run(day())
    assert max(len(moments) for moments in minted.values()) <= 28
    for moments in minted.values():
        assert all(b - a > WINDOW for a, b in zip(moments, moments[BUDGET:], strict=False))
    assert all(read_again(control, connection).status == "ACTIVE" for connection in connections)
