"""`POST /connections/prune`: deletes what was never connected, and nothing else."""

import pytest

from moorage.connections import pruning
from tests.control_database import on_both as database_settings  # noqa: F401
from tests.person import Person

PRUNE = "/connections/prune"


def prune(caller, **body):
    answer = caller.call("POST", PRUNE, body)
    assert answer.status == 200, answer.text
    return [connection["connection_id"] for connection in answer.json["connections"]]


def ids(caller):
    return [connection["id"] for connection in caller.get("/connections").json["connections"]]


def test_what_was_never_connected_and_is_old_enough_goes(control, owner, stranger):
    control.organisation("acme")
    connected, waiting = owner.connect("acme")["id"], owner.connect(alias="a")["id"]
    person, signing_in = Person(control), owner.connect()
    theirs = stranger.connect()["id"]
    control.clock.advance(3600)
    younger = owner.connect()["id"]
    fresh = owner.get(f"/connections/{signing_in['id']}").json["connection"]
    assert person.choose(fresh["url"], "crm/acme").status == 303
    assert prune(owner) == []  # A day, unless somebody says another time.
    assert prune(owner, older_than_seconds=3600, dry_run=True) == [waiting]
    assert waiting in ids(owner)
    told = owner.call("POST", PRUNE, {"older_than_seconds": 3600}).json
    assert (told["dry_run"], told["more"]) == (False, False)
    [gone] = told["connections"]
    assert (gone["connection_id"], gone["alias"], gone["status"]) == (waiting, "a", "PENDING")
    assert ids(owner) == [connected, signing_in["id"], younger] and ids(stranger) == [theirs]
    assert owner.connect(alias="a")["alias"] == "a"  # The alias is free again.


def test_a_connection_that_failed_after_it_worked_stays(control, owner):
    control.organisation("acme")
    failed = owner.connect("acme")["id"]

    async def fail():
        connection = await control.rooms.connections.get(owner.account, failed)
        async with control.rooms.database.transaction() as tx:
            await control.rooms.connections.fail_in(tx, connection, "revoked")

    control.run(fail())
    control.clock.advance(1)
    assert prune(owner, older_than_seconds=0) == [] and ids(owner) == [failed]


def test_a_key_prunes_what_it_reaches_and_a_filter_narrows_it(control, owner):
    zoho = owner.connect()["id"]
    stripe = owner.call("POST", "/connections", {"app": "stripe"}).json["connection"]["id"]
    control.clock.advance(1)
    scopes = ["connections:write", "proxy:stripe"]
    narrow = owner.call("POST", "/keys", {"name": "narrow", "scopes": scopes}).json["secret"]
    answer = control.call("POST", PRUNE, key=narrow, body=b'{"older_than_seconds": 0}')
    assert [connection["connection_id"] for connection in answer.json["connections"]] == [stripe]
    assert prune(owner, older_than_seconds=0, app="stripe") == []
    assert prune(owner, older_than_seconds=0, app="zoho-crm") == [zoho]


def test_one_call_takes_the_oldest_and_says_that_there_may_be_more(control, owner, monkeypatch):
    monkeypatch.setattr(pruning, "MAX_PRUNED", 1)
    monkeypatch.setattr("moorage.connections.prune_routes.MAX_PRUNED", 1)
    first, second = owner.connect()["id"], owner.connect()["id"]
    control.clock.advance(1)
    told = owner.call("POST", PRUNE, {"older_than_seconds": 0}).json
    assert told["more"] and told["connections"][0]["connection_id"] == first and ids(owner) == [second]


@pytest.mark.parametrize(
    "body",
    [{"older_than_seconds": -1}, {"older_than_seconds": 1.5}, {"older_than_seconds": True},
     {"older_than_seconds": 10**30}, {"older_than_seconds": "1d"}, {"older_than_seconds": None},
     {"app": 7}, {"dry_run": "yes"}, {"older": 1}],
    ids=repr,
)  # fmt: skip
def test_what_it_does_not_understand_deletes_nothing(control, owner, body):
    connection = owner.connect()["id"]
    control.clock.advance(1)
    answer = owner.call("POST", PRUNE, body)
    assert (answer.status, answer.code) == (400, "body_invalid") and ids(owner) == [connection]
    assert owner.call("POST", PRUNE, {"app": "none"}).code == "app_unsupported"
