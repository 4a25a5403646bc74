"""The accounts that a key sees over MCP: those that it can use, and no others."""

import pytest

from moorage.connections.errors import ConnectionUnknown
from moorage.http.errors import ParameterInvalid
from moorage.mcp import accounts
from tests.control_database import on_both as database_settings  # noqa: F401
from tests.mcp.team import LIVE


def test_an_account_tells_who_it_is_how_it_is_and_what_may_be_done(team):
    team.connection(LIVE, "sales", organisation="Acme", user="ana@acme.example")
    team.connection(alias="lab", organisation="Acme")
    failed = team.connection(LIVE, "old")
    team.fail(failed)
    new = team.connection(None)
    listed, cursor = team.listed(team.key("proxy:zoho-crm"))
    assert list(listed) == ["sales", "lab", "old", new] and cursor is None
    sales = listed["sales"]
    assert (sales.organisation, sales.user, sales.environment) == ("Acme", "ana@acme.example", "live")
    assert (sales.health, sales.next, sales.mode, sales.is_default) == ("ok", None, "cautious", True)
    assert (listed["lab"].environment, listed["lab"].mode, listed["lab"].is_default) == (
        "embedded",
        "open",
        False,
    )
    assert listed["old"].health.startswith("failed: ") and listed["old"].next
    assert listed[new].health.startswith("pending: ") and listed[new].environment is None


def test_the_mode_is_that_of_the_key_there(team):
    team.connection(LIVE, "sales")
    modes = {
        team.listed(key)[0]["sales"].mode
        for key in (
            team.key(policy={"mode": "strict"}),
            team.key("proxy:zoho-crm:read"),
            team.key(policy={"mode": "open"}),
        )
    }
    assert modes == {"strict", "readonly", "open"}


def test_a_key_sees_what_it_can_use_and_nothing_else(team, others):
    sales, _ = team.connection(LIVE, "sales"), team.connection(LIVE, "support")
    team.connection(alias="lab")
    others.connection(LIVE, "theirs")
    assert list(team.listed(team.key(f"proxy:{sales}"))[0]) == ["sales"]
    assert list(team.listed(team.key("proxy:zoho-crm", mode="test"))[0]) == ["lab"]
    assert list(team.listed(team.key("proxy:slack"))[0]) == []
    assert list(team.listed(team.key("keys:read"))[0]) == []
    assert list(team.listed(team.key("connections:read"))[0]) == ["sales", "support", "lab"]
    for name in (sales, "theirs", "sales"):
        with pytest.raises(ConnectionUnknown):
            team.run(team.accounts.one(team.key("proxy:slack"), name))


def test_a_list_goes_on_with_its_cursor(team, monkeypatch):
    monkeypatch.setattr(accounts, "PAGE", 2)
    names = [team.connection(alias=f"a{number}") and f"a{number}" for number in range(5)]
    key, found, cursor = team.key(), [], None
    for _ in range(3):
        listed, cursor = team.listed(key, cursor=cursor)
        found += listed
    assert found == names and cursor is None
    with pytest.raises(ParameterInvalid, match="cursor"):
        team.listed(key, cursor="x")
