from contextlib import closing

from moorage.oauth.connect.attempts import LIFETIME
from tests.control import Caller, Control, in_registry, kept_secrets
from tests.control_database import on_both as database_settings  # noqa: F401
from tests.person import Person


def test_it_is_gone_with_its_tokens(control, owner):
    control.organisation("acme")
    connection = owner.connect("acme")
    assert len(kept_secrets(control)) == 2
    answer = owner.call("DELETE", f"/connections/{connection['id']}")
    assert answer.status == 200
    assert answer.json["connection_id"] == connection["id"] and answer.json["deleted"] is True
    assert owner.get("/connections").json == {"connections": []}
    assert kept_secrets(control) == []


def test_its_tokens_are_worth_nothing_from_then_on(control, owner):
    control.organisation("acme")
    created = owner.connect("acme")
    connection = control.run(control.rooms.connections.get(owner.account, created["id"]))
    token = control.run(control.rooms.tokens.access(connection)).value
    assert control.crm.accounts.principal(f"Bearer {token}")
    owner.call("DELETE", f"/connections/{created['id']}")
    counts = (f"SELECT count(*) FROM {table}" for table in ("refresh_tokens", "access_tokens"))
    assert in_registry(control, *counts) == [[(0,)], [(0,)]]


def test_the_gateway_forgets_it_at_once(control, owner):
    connection = owner.connect()
    before = control.changes
    owner.call("DELETE", f"/connections/{connection['id']}")
    assert control.changes == before + 1


def test_of_two_at_once_one_finds_it_gone(control, owner):
    connection = owner.connect()
    both = [control.ask("DELETE", f"/connections/{connection['id']}", key=owner.key) for _ in range(2)]
    assert sorted(answer.status for answer in control.together(*both)) == [200, 404]


def test_it_looks_missing_to_a_stranger_and_stays(control, owner, stranger):
    control.organisation("acme")
    connection = owner.connect("acme")
    assert stranger.call("DELETE", f"/connections/{connection['id']}").status == 404
    assert owner.get(f"/connections/{connection['id']}").json["connection"]["status"] == "ACTIVE"
    assert len(kept_secrets(control)) == 2


def test_a_connection_whose_tokens_can_not_be_opened_can_still_be_deleted(tmp_path):
    with closing(Control(tmp_path / "home", {"MOORAGE_VAULT_KEY": "11" * 32})) as control:
        control.organisation("acme")
        owner = Caller(control, "owner")
        connection = owner.connect("acme")
    with closing(Control(tmp_path / "home", {"MOORAGE_VAULT_KEY": "22" * 32})) as control:
        owner.control = control
        assert owner.call("DELETE", f"/connections/{connection['id']}").status == 200
        assert kept_secrets(control) == []


def test_a_connection_that_nobody_connects_within_a_week_ends(control, owner):
    control.organisation("acme")
    waiting, connected = owner.connect(), owner.connect("acme")
    control.clock.advance(7 * 24 * 3600 - 1)
    assert control.run(control.rooms.pruning.end_unopened()) == 0
    younger = owner.connect()
    control.clock.advance(2)
    assert control.run(control.rooms.pruning.end_unopened()) == 1
    left = [connection["id"] for connection in owner.get("/connections").json["connections"]]
    assert left == [connected["id"], younger["id"]] and waiting["id"] not in left


def test_a_connection_that_was_never_connected_ends_a_week_after_the_last_try_failed(control, owner):
    control.organisation("acme")
    control.organisation("other")
    never, once = owner.connect(), owner.connect("other")
    control.clock.advance(600)
    control.run(Person(control).connecting(never["url"], "acme", decision="reject"))
    connected = control.run(control.rooms.connections.get(owner.account, once["id"]))
    control.run(fail(control, connected))
    assert [
        owner.get(f"/connections/{connection['id']}").json["connection"]["status"]
        for connection in (never, once)
    ] == [
        "FAILED",
        "FAILED",
    ]
    control.clock.advance(7 * 24 * 3600 - 1)
    assert control.run(control.rooms.pruning.end_unopened()) == 0
    control.clock.advance(2)
    assert control.run(control.rooms.pruning.end_unopened()) == 1
    assert [connection["id"] for connection in owner.get("/connections").json["connections"]] == [once["id"]]


async def fail(control, connection):
    async with control.rooms.database.transaction() as tx:
        await control.rooms.connections.fail_in(tx, connection, "revoked")


def test_a_connection_that_somebody_is_connecting_just_then_stays(control, owner):
    control.organisation("acme")
    connection, person = owner.connect(), Person(control)
    control.clock.advance(7 * 24 * 3600)
    fresh = owner.get(f"/connections/{connection['id']}").json["connection"]
    sent = person.choose(fresh["url"], "crm/acme")
    assert sent.status == 303
    control.clock.advance(LIFETIME - 1)
    assert control.run(control.rooms.pruning.end_unopened()) == 0
    back = control.run(person.deciding(sent.headers["location"], "accept"))
    assert person.come_back(back).status == 200
    assert owner.get(f"/connections/{connection['id']}").json["connection"]["status"] == "ACTIVE"


def test_a_connection_that_somebody_went_away_from_ends(control, owner):
    control.organisation("acme")
    connection, person = owner.connect(), Person(control)
    control.clock.advance(7 * 24 * 3600)
    fresh = owner.get(f"/connections/{connection['id']}").json["connection"]
    assert person.choose(fresh["url"], "crm/acme").status == 303
    control.clock.advance(LIFETIME)
    assert control.run(control.rooms.pruning.end_unopened()) == 1
