"""Aliases, tags and end users: given, changed, removed, and used to find connections."""

import pytest

from moorage.access import Reach
from moorage.connections.errors import AliasTaken, ConnectionUnknown
from moorage.connections.labels import Labels
from tests.control_database import on_both as database_settings  # noqa: F401


def labels(connection):
    return connection["alias"], connection["tags"], connection["end_user"]


def relabel(caller, name, **body):
    return caller.call("PATCH", f"/connections/{name}", body)


def choose(caller, name, app="zoho-crm", reach=Reach()):  # noqa: B008 (a value)
    return caller.control.run(caller.control.rooms.connections.choose(caller.account, app, name, reach)).id


def ids(caller, query):
    answer = caller.get(f"/connections?{query}")
    assert answer.status == 200
    return [connection["id"] for connection in answer.json["connections"]]


def test_they_are_given_with_the_connection_or_later_and_taken_away(control, owner):
    made = owner.connect(alias="sales-eu", tags=["team:sales", "eu", "eu"], end_user="Żaneta 7")
    assert labels(made) == ("sales-eu", ["team:sales", "eu"], "Żaneta 7")
    before = control.changes
    changed = relabel(owner, made["id"], alias="sales-de", tags=["de"]).json["connection"]
    assert labels(changed) == ("sales-de", ["de"], "Żaneta 7")
    removed = relabel(owner, "sales-de", alias=None, tags=None, end_user=None).json["connection"]
    assert labels(removed) == (None, [], None)
    assert control.changes == before + 2
    assert removed == owner.get(f"/connections/{made['id']}").json["connection"] | {"url": removed["url"]}
    assert owner.get("/connections/sales-eu").code == "connection_unknown"


def test_an_alias_stands_wherever_an_id_does(control, owner):
    control.organisation("acme")
    older, named = owner.connect("acme")["id"], owner.connect("acme", alias="sales-eu")["id"]
    assert choose(owner, None) == older and choose(owner, "sales-eu") == named
    assert owner.get("/connections/sales-eu").json["connection"]["id"] == named
    assert owner.get("/connections/sales-eu/diagnosis").json["connection_id"] == named
    chosen = owner.call("PUT", "/apps/zoho-crm/default", {"connection_id": "sales-eu"})
    assert chosen.json["default"]["connection_id"] == named
    assert owner.call("DELETE", "/connections/sales-eu").json["connection_id"] == named
    assert owner.get("/connections/sales-eu").status == 404 and choose(owner, older) == older
    with pytest.raises(ConnectionUnknown):  # It never falls back to another connection.
        choose(owner, "sales-eu")


def test_an_alias_names_one_connection_of_an_app_until_that_is_deleted(owner, stranger):
    first, second = owner.connect(alias="sales-eu")["id"], owner.connect()["id"]
    answer = relabel(owner, second, alias="sales-eu", tags=["eu"])
    assert (answer.status, answer.code) == (409, "alias_taken")
    assert first not in answer.text  # The key may not reach the one that has it.
    assert labels(owner.get(f"/connections/{second}").json["connection"]) == (None, [], None)
    assert owner.call("POST", "/connections", {"app": "zoho-crm", "alias": "sales-eu"}).code == "alias_taken"
    assert len(ids(owner, "")) == 2
    assert relabel(owner, first, alias="sales-eu").status == 200  # It has it already.
    assert stranger.connect(alias="sales-eu")["alias"] == "sales-eu"
    owner.call("DELETE", f"/connections/{first}")
    assert relabel(owner, second, alias="sales-eu").json["connection"]["id"] == second


def test_another_app_has_names_of_its_own_and_what_could_be_meant_is_listed(owner):
    zoho = owner.connect(alias="main")["id"]
    stripe = owner.call("POST", "/connections", {"app": "stripe", "alias": "main"}).json["connection"]["id"]
    answer = owner.get("/connections/main")
    assert (answer.status, answer.code) == (409, "alias_ambiguous")
    assert f"{stripe} (stripe), {zoho} (zoho-crm)" in answer.json["detail"]
    assert owner.get(f"/connections/{zoho}").json["connection"]["alias"] == "main"
    only_stripe = owner.call("POST", "/keys", {"name": "s", "scopes": ["connections:read", "proxy:stripe"]})
    seen = owner.control.call("GET", "/connections/main", key=only_stripe.json["secret"])
    assert seen.json["connection"]["id"] == stripe


def test_a_strangers_alias_is_as_unknown_as_one_that_nobody_has(control, owner, stranger):
    owner.connect(alias="sales-eu")
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"tags": []})):
        theirs, nobodys = (
            stranger.call(method, f"/connections/{name}", body) for name in ("sales-eu", "nobody-x")
        )
        assert theirs.status == 404
        assert theirs.text.replace("sales-eu", "nobody-x") == nobodys.text
    told = stranger.call("PUT", "/apps/zoho-crm/default", {"connection_id": "sales-eu"})
    assert told.code == "connection_unknown"
    assert ids(stranger, "alias=sales-eu") == []
    with pytest.raises(ConnectionUnknown):
        choose(stranger, "sales-eu")
    narrow = owner.call("POST", "/keys", {"name": "n", "scopes": ["connections:read", "proxy:stripe"]})
    assert control.call("GET", "/connections/sales-eu", key=narrow.json["secret"]).status == 404
    with pytest.raises(ConnectionUnknown):
        choose(owner, "sales-eu", reach=Reach(frozenset({"stripe"})))
    assert owner.get("/connections/sales-eu").json["connection"]["alias"] == "sales-eu"


def test_the_shortest_and_the_longest_alias(owner):
    for alias in ("a", "0", "a" * 63, "a-", "1-2-3"):
        connection = owner.connect(alias=alias)["id"]
        assert owner.get(f"/connections/{alias}").json["connection"]["id"] == connection


def test_what_answers_say_can_be_sent_back(control, owner):
    control.organisation("acme")
    connection = owner.connect("acme", alias="sales-eu")["id"]
    for name in (
        connection,
        connection.upper(),
        f"{connection}; alias=sales-eu",
        f"{connection}; alias=before",
    ):
        assert choose(owner, name) == connection
    for name in (
        f"{connection}; alias=",
        f"{connection};alias=a",
        "sales-eu; alias=sales-eu",
        f"{connection}; a=b",
    ):
        with pytest.raises(ConnectionUnknown):
            choose(owner, name)


def test_lists_are_narrowed_by_labels_and_by_the_kind_of_account(control, owner, stranger):
    control.organisation("acme")
    first = owner.connect("acme", alias="one", tags=["eu", "team_a"], end_user="u1")["id"]
    second = owner.connect(tags=["eu"], end_user="u2")["id"]
    third = owner.connect("acme", tags=["europe", "teamxa"], end_user="u1")["id"]
    assert ids(owner, "tag=eu") == [first, second]  # Not a part of another tag.
    assert ids(owner, "tag=team_a") == [first]  # Not a pattern.
    assert ids(owner, "tag=eu&tag=team_a") == [first]
    assert ids(owner, "end_user=u1") == [first, third] and ids(owner, "end_user=u1&limit=1") == [first]
    assert ids(owner, "alias=one") == [first] and ids(owner, "alias=two") == []
    assert ids(owner, "environment=embedded") == [first, third]
    assert ids(owner, "environment=embedded&limit=1") == [first] and ids(owner, "environment=live") == []
    assert ids(owner, "end_user=u1&tag=europe&status=ACTIVE&app=zoho-crm") == [third]
    assert ids(owner, "environment=") == [first, second, third]
    assert ids(stranger, "tag=eu") == []


def test_of_two_processes_that_claim_an_alias_one_gets_it(control, owner):
    connections = [owner.connect()["id"] for _ in range(2)]
    other = control.run(control._open())

    async def claim(rooms, connection):
        try:
            return await rooms.connections.relabel(owner.account, connection, lambda _: Labels("main"))
        except AliasTaken as taken:
            return taken

    outcomes = control.together(*map(claim, (control.rooms, other), connections))
    control.run(other.close())
    assert sorted(isinstance(outcome, AliasTaken) for outcome in outcomes) == [False, True]
    assert len(ids(owner, "alias=main")) == 1
