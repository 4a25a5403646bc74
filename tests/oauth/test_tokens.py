import asyncio

import pytest

from moorage.connections.errors import ConnectionInactive, ConnectionUnknown
from moorage.oauth.errors import AccountsUnreachable, ReconnectNeeded, TokenFailed, TokenRefused
from moorage.oauth.tokens.renewal import FIRST_PAUSE, LONGEST_PAUSE
from moorage.oauth.tokens.service import NEAR_SECONDS
from tests.control import kept_secrets
from tests.control_database import on_both as database_settings  # noqa: F401
from tests.oauth.conftest import HOUR, access, read_again


def test_a_token_is_used_until_its_end_is_near(control, connected, refreshing):
    first = access(control, connected)
    assert first.renewable
    control.clock.advance(HOUR - NEAR_SECONDS - 1)
    assert access(control, connected) == first and refreshing.asked == []
    control.clock.advance(1)
    assert access(control, connected).value == "new-1" and access(control, connected).renewable
    assert access(control, connected).value == "new-1" and len(refreshing.asked) == 1


def test_a_token_that_is_good_takes_one_look_into_the_vault(control, connected, monkeypatch):
    looks, read = [], control.rooms.vault.read
    monkeypatch.setattr(control.rooms.vault, "read", lambda look: (looks.append(look), read(look))[1])
    assert access(control, connected).renewable and len(looks) == 1


def test_callers_who_come_together_share_one_refresh(control, connected, refreshing):
    control.clock.advance(HOUR)
    tokens = control.together(*(control.rooms.tokens.access(connected) for _ in range(200)))
    assert {token.value for token in tokens} == {"new-1"} and len(refreshing.asked) == 1


def test_callers_who_were_refused_together_share_one_refresh(control, connected, refreshing):
    old = access(control, connected).value
    asked = (control.rooms.tokens.access(connected, instead_of=old) for _ in range(200))
    assert {token.value for token in control.together(*asked)} == {"new-1"}
    assert len(refreshing.asked) == 1
    assert access(control, connected, instead_of=old).value == "new-1" and len(refreshing.asked) == 1


def test_one_caller_who_goes_away_does_not_take_the_refresh_along(control, connected, refreshing):
    control.clock.advance(HOUR)

    async def main():
        first = asyncio.create_task(control.rooms.tokens.access(connected))
        second = asyncio.create_task(control.rooms.tokens.access(connected))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert control.run(main()).value.startswith("new-")


def test_a_refused_refresh_fails_the_connection_and_says_why(control, owner, connected, refreshing):
    control.clock.advance(HOUR)
    refreshing.fault = TokenRefused("invalid_code")
    with pytest.raises(ReconnectNeeded, match="invalid_code") as caught:
        access(control, connected)
    assert "GET /connections/" in caught.value.help
    shown = owner.get(f"/connections/{connected.id}").json["connection"]
    assert shown["status"] == "FAILED"
    assert shown["metadata"]["reason"] == "invalid_code"
    assert shown["metadata"]["organisation"] == "acme"
    assert shown["last_updated_time"] > shown["creation_time"]
    with pytest.raises(ConnectionInactive, match="FAILED"):
        control.run(control.rooms.connections.choose(owner.account, "zoho-crm", connected.id))


def test_a_failed_connection_can_be_connected_anew(control, owner, connected, refreshing):
    control.clock.advance(HOUR)
    refreshing.fault = TokenRefused("invalid_code")
    with pytest.raises(ReconnectNeeded):
        access(control, connected)
    shown = owner.get(f"/connections/{connected.id}").json["connection"]
    assert control.press(shown["url"], "acme").status == 200
    again = owner.get(f"/connections/{connected.id}").json["connection"]
    assert again["status"] == "ACTIVE" and "reason" not in again["metadata"]
    assert access(control, read_again(control, connected)).value.startswith("1000.")


def test_a_passing_failure_keeps_the_token_that_is_still_good(control, connected, refreshing):
    first = access(control, connected)
    control.clock.advance(HOUR - NEAR_SECONDS)
    refreshing.fault = TokenFailed("busy")
    for _ in range(3):
        assert access(control, connected) == first
    assert read_again(control, connected).status == "ACTIVE" and len(refreshing.asked) == 1
    refreshing.fault = None
    control.clock.advance(FIRST_PAUSE)
    assert access(control, connected).value == "new-2"


def test_a_passing_failure_without_a_good_token_is_told_and_changes_nothing(control, connected, refreshing):
    old = access(control, connected).value
    refreshing.fault = TokenFailed("busy")
    with pytest.raises(AccountsUnreachable) as caught:
        access(control, connected, instead_of=old)
    assert 0 < caught.value.retry_after <= FIRST_PAUSE
    control.clock.advance(HOUR)
    with pytest.raises(AccountsUnreachable):
        access(control, connected)
    assert read_again(control, connected).status == "ACTIVE"
    refreshing.fault = None
    control.clock.advance(LONGEST_PAUSE)
    assert access(control, connected).value == "new-3"


def test_the_longer_an_accounts_server_fails_the_less_it_is_asked(control, connected, refreshing):
    control.clock.advance(HOUR)
    refreshing.fault = TokenFailed("busy")
    for _ in range(600):
        with pytest.raises(AccountsUnreachable):
            access(control, connected)
        control.clock.advance(1)
    assert 600 / LONGEST_PAUSE <= len(refreshing.asked) <= 2 * 600 / LONGEST_PAUSE + 6
    assert read_again(control, connected).status == "ACTIVE"


def test_of_a_connection_deleted_during_its_refresh_nothing_stays(control, owner, connected, refreshing):
    control.clock.advance(HOUR)

    async def delete():
        await control.rooms.disconnect.disconnect(owner.account, connected.id)

    refreshing.meanwhile = delete
    with pytest.raises(ConnectionUnknown):
        access(control, connected)
    assert kept_secrets(control) == []


@pytest.mark.parametrize("fault", [None, TokenRefused("invalid_code")])
def test_a_refresh_overtaken_by_connecting_anew_changes_nothing(control, owner, connected, refreshing, fault):
    url = owner.get(f"/connections/{connected.id}").json["connection"]["url"]
    control.clock.advance(60)
    old = access(control, connected).value

    async def reconnect():
        answer = await control.pressing(url, "acme")
        assert answer.status == 200

    refreshing.meanwhile, refreshing.fault = reconnect, fault
    better = access(control, connected, instead_of=old).value
    now = read_again(control, connected)
    assert now.status == "ACTIVE" and "reason" not in now.metadata
    assert (
        access(control, now).value == better and better not in {old, "new-1"} and len(refreshing.asked) == 1
    )


def test_an_organisation_that_was_deleted_fails_its_connections(control, owner, connected):
    control.crm.organisations.delete("acme")
    control.clock.advance(HOUR)
    with pytest.raises(ReconnectNeeded, match="organisation_unknown"):
        access(control, connected)
    assert read_again(control, connected).status == "FAILED"


def test_the_embedded_crm_refreshes_like_any_other(control, connected):
    old = access(control, connected)
    control.clock.advance(HOUR)
    new = access(control, connected)
    assert new.value != old.value and new.expires_at == control.clock.timestamp() + HOUR
    assert control.crm.accounts.principal(f"Zoho-oauthtoken {new.value}")


def test_secrets_do_not_show(connected, control):
    token = access(control, connected)
    assert token.value not in repr(token)
