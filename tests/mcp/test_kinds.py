"""What kinds of calls a key may make at all, by which an agent is shown tools."""

import pytest
from msgspec.structs import replace

from moorage.connections.errors import ConnectionUnknown
from moorage.policies.model import KINDS
from tests.mcp.team import LIVE

ALL = list(KINDS)


def reading_but(action, **rule):
    return {"mode": "readonly", "rules": [{"name": "a", "action": action, **rule}]}


@pytest.mark.parametrize(
    ("policy", "kinds"),
    [
        ({"mode": "open"}, ALL),
        ({"mode": "cautious"}, ALL),
        ({"mode": "strict"}, ALL),
        ({"mode": "readonly"}, ["read"]),
        (
            {"mode": "readonly", "rules": [{"name": "a", "action": "ask", "kinds": ["destructive"]}]},
            ["read", "destructive"],
        ),
        ({"mode": "readonly", "rules": [{"name": "a", "action": "allow", "modules": ["Leads"]}]}, ALL),
        ({"mode": "readonly", "rules": [{"name": "a", "action": "deny", "modules": ["Leads"]}]}, ["read"]),
    ],
    ids=[
        "open",
        "cautious",
        "strict",
        "readonly",
        "a rule that asks",
        "a rule that allows",
        "a rule that denies",
    ],
)
def test_a_policy_says_which_kinds_there_are(team, policy, kinds):
    team.connection(LIVE, "sales")
    principal = team.key(policy=policy)
    assert team.kinds(principal) == team.kinds(principal, "sales") == kinds


def test_scopes_and_reach_say_it_too(team):
    sales, _ = team.connection(LIVE, "sales"), team.connection(alias="lab")
    assert team.kinds(team.key("proxy:zoho-crm:read")) == ["read"]
    assert team.kinds(team.key("connections:read")) == []
    one = team.key("proxy:zoho-crm:read", f"proxy:{sales}")
    assert (team.kinds(one), team.kinds(one, "sales"), team.kinds(one, "lab")) == (ALL, ALL, ["read"])
    test = team.key(mode="test")
    assert team.kinds(test, "lab") == ALL
    with pytest.raises(ConnectionUnknown):
        team.kinds(test, "sales")


def test_the_best_of_the_accounts_that_are_connected_counts(team):
    reads = {"mode": "readonly"}
    sales, lab = team.connection(LIVE, "sales"), team.connection(alias="lab")
    principal = team.key(policy=reads)
    assert team.kinds(principal) == ["read"]

    async def may_more():
        connection = await team.rooms.connections.get(team.caller.account, lab)
        await team.rooms.policies.put(
            team.caller.account, principal.key_id, connection, {"mode": "open"}, None
        )

    team.run(may_more())
    assert team.kinds(principal) == ALL
    team.fail(lab)
    assert team.kinds(principal) == ["read"]
    team.fail(sales)
    assert team.kinds(principal) == ALL  # Neither is connected, and either may be again.


def test_an_alias_counts_as_long_as_it_is_one_in_reach(team, others):
    principal = team.key("proxy:zoho-crm", "proxy:slack")
    others.connection(LIVE, "later")
    chat = team.connection(None, "chat", app="slack")

    def absent(name):
        with pytest.raises(ConnectionUnknown, match=name):
            team.kinds(principal, name)

    absent("later")
    absent("chat")
    absent(chat)
    later = team.connection(LIVE, "later")
    assert team.kinds(principal, "later") == ALL

    async def rename():
        await team.rooms.connections.relabel(
            team.caller.account, later, lambda labels: replace(labels, alias="new")
        )

    team.run(rename())
    absent("later")
    assert team.kinds(principal, "new") == ALL
    team.connection(None, "new", app="slack")
    assert team.kinds(principal, "new") == ALL  # An alias is one of an app.
