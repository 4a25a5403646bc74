"""How many tokens there may be, of registered clients and of those of Moorage itself."""

import pytest

from moorage.crm.accounts.service import LIVE_ACCESS_TOKENS, NEW_ACCESS_TOKENS, REFRESH_TOKENS
from tests.crm.folder import crm_in
from tests.waited import Waited

DENIED = (
    400,
    {
        "error_description": "You have made too many requests continuously. Please try again after some time.",
        "error": "Access Denied",
        "status": "failure",
    },
)


@pytest.fixture
def granted(self_client, code_of, exchange):
    """The tokens of one grant."""
    return exchange(self_client, code_of(self_client))[1]


def test_a_refresh_token_gives_ten_access_tokens_in_ten_minutes_the_first_included(
    self_client, granted, refresh_as, clock, works
):
    for _ in range(NEW_ACCESS_TOKENS - 1):
        assert "access_token" in refresh_as(self_client, granted["refresh_token"])[1]
    assert refresh_as(self_client, granted["refresh_token"]) == DENIED
    assert works(granted["access_token"])
    clock.advance(599)
    assert refresh_as(self_client, granted["refresh_token"]) == DENIED
    clock.advance(1)
    assert "access_token" in refresh_as(self_client, granted["refresh_token"])[1]


def test_each_refresh_token_has_its_own_ten(self_client, granted, code_of, exchange, refresh_as):
    for _ in range(NEW_ACCESS_TOKENS - 1):
        refresh_as(self_client, granted["refresh_token"])
    other = exchange(self_client, code_of(self_client))[1]
    assert refresh_as(self_client, granted["refresh_token"]) == DENIED
    assert "access_token" in refresh_as(self_client, other["refresh_token"])[1]


def test_the_limit_holds_in_every_process(self_client, granted, refresh_as, service, tmp_path, clock):
    from moorage.crm.accounts.errors import TooManyTokens

    for _ in range(NEW_ACCESS_TOKENS - 1):
        refresh_as(self_client, granted["refresh_token"])
    other = Waited(crm_in(tmp_path / "crm", clock))
    with pytest.raises(TooManyTokens):
        other.accounts.refresh(self_client.client, granted["refresh_token"])
    other.close()


def test_a_refresh_gives_no_other_refresh_token(self_client, granted, refresh_as):
    assert "refresh_token" not in refresh_as(self_client, granted["refresh_token"])[1]


def test_fifteen_access_tokens_of_a_refresh_token_live(self_client, granted, refresh_as, clock, works):
    tokens = [granted["access_token"]]
    while len(tokens) < LIVE_ACCESS_TOKENS + 1:
        clock.advance(61)
        tokens.append(refresh_as(self_client, granted["refresh_token"])[1]["access_token"])
    assert [works(token) for token in tokens] == [False] + [True] * LIVE_ACCESS_TOKENS


def test_the_twenty_first_refresh_token_drops_the_first_with_its_access_tokens(
    self_client, code_of, exchange, refresh_as, clock, works
):
    grants = []
    for _ in range(REFRESH_TOKENS + 1):
        clock.advance(61)
        grants.append(exchange(self_client, code_of(self_client))[1])
    first, second, *_, last = grants
    assert refresh_as(self_client, first["refresh_token"]) == (200, {"error": "invalid_code"})
    assert not works(first["access_token"])
    for kept in (second, last):
        assert works(kept["access_token"])
        assert "access_token" in refresh_as(self_client, kept["refresh_token"])[1]


def test_another_clients_refresh_tokens_count_apart(
    self_client, granted, register, code_of, exchange, refresh_as, clock
):
    other = register(name="Busy", self_client=True)
    for _ in range(REFRESH_TOKENS):
        clock.advance(61)
        exchange(other, code_of(other))
    assert "access_token" in refresh_as(self_client, granted["refresh_token"])[1]


def test_access_tokens_without_a_refresh_token_count_among_no_refresh_tokens(
    self_client, granted, ask, crm, refresh_as, clock
):
    soid = f"ZohoCRM.{crm.get('org').json['org'][0]['zgid']}"
    for number in range(REFRESH_TOKENS + 1):
        clock.advance(61)
        scope = f"ZohoCRM.modules.module{'abcdefghijklmnopqrstuvwxyz'[number]}.READ"
        tokens = ask(self_client, grant_type="client_credentials", scope=scope, soid=soid)[1]
        assert "access_token" in tokens
    assert "access_token" in refresh_as(self_client, granted["refresh_token"])[1]


def test_credentials_and_the_gateway_are_not_counted(service, crm):
    """Many callers share these clients, so no caller may use up the limit of the others."""
    row = service.organisations.find("acme")
    credentials = [service.credentials(row) for _ in range(NEW_ACCESS_TOKENS + 2)]
    assert len({each["refresh_token"] for each in credentials}) == 1
    user = service.first_user(row).id
    client = service.accounts.ensure_client("Moorage gateway", row.id, user)
    issued = [service.accounts.issue(client, "ZohoCRM.org.READ") for _ in range(25)]
    for _ in range(NEW_ACCESS_TOKENS + 2):
        assert service.accounts.refresh(client, issued[0].refresh_token).access_token
