"""What a key with narrow scopes sees of connections, and what calls it may make through them."""

import json

import pytest

from moorage.connections.errors import ConnectionInactive, ConnectionMissing, ConnectionUnknown
from moorage.connections.model import Upstream

SECOND = """
name = "second"
title = "Second"
authorization = "Bearer {access_token}"
[data_centres.here]
api = "http://127.0.0.1:9"
"""


class Narrow:
    """Somebody who holds a narrow key of the owner's."""

    def __init__(self, owner, *scopes, **more):
        created = owner.call("POST", "/keys", {"name": "narrow", "scopes": list(scopes), **more})
        assert created.status == 200, created.text
        self.control, self.secret = owner.control, created.json["secret"]

    def call(self, method, target, body=None):
        sent = b"" if body is None else json.dumps(body).encode()
        return self.control.call(method, target, key=self.secret, body=sent)

    def seen(self, query=""):
        return [
            connection["id"] for connection in self.call("GET", f"/connections{query}").json["connections"]
        ]

    def choose(self, connection_id=None, app="zoho-crm"):
        async def chosen():
            rooms = self.control.rooms
            who = await rooms.keys.authenticate(f"Bearer {self.secret}")
            return await rooms.connections.choose(who.account_id, app, connection_id, who.reach)

        return self.control.run(chosen()).id


@pytest.fixture
def two(control, owner):
    """Two active connections to the CRM."""
    control.organisation("acme")
    connections = []
    for _ in range(2):
        connections.append(owner.connect("acme")["id"])
        control.clock.advance(1)
    return connections


@pytest.fixture
def other(control, owner):
    """An active connection of another app, which leads elsewhere."""

    async def work():
        connection = await control.rooms.connections.create(owner.account, "second")
        upstream = Upstream("remote", "http://127.0.0.1:9")
        await control.rooms.connections.activate(connection, upstream, {}, also=nothing)
        return connection.id

    async def nothing(tx):
        """This connection has no tokens."""

    return control.run(work())


def test_a_key_for_one_connection_sees_and_takes_that_one(owner, two):
    narrow = Narrow(owner, "connections:read", f"proxy:{two[1]}")
    assert narrow.seen() == [two[1]]
    assert narrow.choose() == narrow.choose(two[1]) == narrow.choose(two[1].upper()) == two[1]
    assert narrow.call("GET", f"/connections/{two[1]}").status == 200


def test_to_such_a_key_others_look_as_if_they_never_were(owner, two):
    narrow = Narrow(owner, "connections:read", "connections:write", f"proxy:{two[1]}")
    never = "e55c5bac-241a-4cc8-9db5-50d2cad09136"
    with pytest.raises(ConnectionUnknown):
        narrow.choose(two[0])
    for method in ("GET", "DELETE"):
        answers = [narrow.call(method, f"/connections/{connection_id}") for connection_id in (two[0], never)]
        assert [(answer.status, answer.code) for answer in answers] == [(404, "connection_unknown")] * 2
        assert answers[0].text.replace(two[0], never) == answers[1].text
    assert owner.get(f"/connections/{two[0]}").status == 200
    assert narrow.call("DELETE", f"/connections/{two[1]}").status == 200


def test_its_connection_is_taken_even_if_another_one_would_do(control, owner, two):
    pending = owner.connect()["id"]
    with pytest.raises(ConnectionInactive, match="PENDING"):
        Narrow(owner, f"proxy:{pending}").choose()
    owner.call("DELETE", f"/connections/{pending}")


def test_a_key_for_several_takes_the_oldest_of_them_that_is_active(owner, two):
    pending = owner.connect()["id"]
    narrow = Narrow(owner, "connections:read", f"proxy:{pending}", f"proxy:{two[1]}:read")
    assert narrow.choose() == two[1]
    assert narrow.seen() == [two[1], pending]
    assert narrow.seen("?limit=1") == [two[1]]
    with pytest.raises(ConnectionMissing):
        narrow.choose(app="second")


def test_a_key_for_one_app_sees_only_that_apps(owner, two, other):
    narrow = Narrow(owner, "connections:read", "proxy:zoho-crm:read")
    assert narrow.seen() == two
    assert narrow.seen("?status=PENDING") == []
    assert narrow.call("GET", f"/connections/{other}").status == 404
    assert Narrow(owner, "connections:read", "proxy:zoho-crm", f"proxy:{other}").seen() == [*two, other]
    assert Narrow(owner, "connections:read", "proxy:read").seen() == [*two, other]
    assert Narrow(owner, "connections:read").seen() == [*two, other]


def test_a_test_key_reaches_the_embedded_crm_alone(control, owner, two, other):
    pending = owner.connect()["id"]
    narrow = Narrow(owner, "connections:read", "connections:write", "proxy", mode="test")
    assert narrow.seen() == [*two, pending]
    assert narrow.choose() == two[0]
    with pytest.raises(ConnectionUnknown):
        narrow.choose(other, app="second")
    with pytest.raises(ConnectionMissing):
        narrow.choose(app="second")
    assert narrow.call("DELETE", f"/connections/{other}").status == 404
    assert Narrow(owner, "connections:read", "proxy", mode="live").seen() == [*two, other, pending]


def test_a_test_key_for_one_connection_does_not_reach_further(owner, other):
    narrow = Narrow(owner, "connections:read", f"proxy:{other}", mode="test")
    assert narrow.seen() == []
    with pytest.raises(ConnectionUnknown):
        narrow.choose(app="second")


def test_connections_are_made_for_apps_in_reach_alone(owner, two):
    answer = Narrow(owner, "connections:write", f"proxy:{two[0]}").call(
        "POST", "/connections", {"app": "zoho-crm"}
    )
    assert (answer.status, answer.code) == (403, "scope_missing")
    assert "proxy:zoho-crm:read" in answer.json["message"]
    for scopes in (["proxy:zoho-crm:read"], ["proxy"], []):
        created = Narrow(owner, "connections:write", *scopes).call(
            "POST", "/connections", {"app": "zoho-crm"}
        )
        assert created.json["connection"]["url"].startswith("http://gateway.test/connect/")


def test_who_may_only_read_gets_no_url_by_which_a_connection_can_be_led_elsewhere(owner, two):
    narrow = Narrow(owner, "connections:read", "proxy")
    assert narrow.call("GET", f"/connections/{two[0]}").json["connection"]["url"] is None
    assert "session_token" not in narrow.call("GET", "/connections").text
    both = Narrow(owner, "connections:read", "connections:write")
    assert "session_token" in both.call("GET", f"/connections/{two[0]}").text
