"""How a connection is, in plain words."""

from moorage.connections.model import Upstream
from moorage.oauth.tokens import store as token_store


def health(caller, connection_id):
    [listed] = [one for one in caller.get("/connections").json["connections"] if one["id"] == connection_id]
    shown = caller.get(f"/connections/{connection_id}").json["connection"]["health"]
    assert listed["health"] == shown and shown.keys() == {"status", "reason", "since", "next"}
    return shown


def change(caller, connection_id, work):
    rooms = caller.control.rooms

    async def changing():
        connection = await rooms.connections.get(caller.account, connection_id)
        async with rooms.database.transaction() as tx:
            await work(tx, connection)

    caller.control.clock.advance(60)
    caller.control.run(changing())


def lead(caller, connection_id, **metadata):
    rooms = caller.control.rooms

    async def nothing(_tx):
        pass

    connection = caller.control.run(rooms.connections.get(caller.account, connection_id))
    upstream = Upstream("remote", "https://www.zohoapis.com", data_centre="us")
    caller.control.clock.advance(60)
    caller.control.run(rooms.connections.activate(connection, upstream, metadata, nothing))


def test_it_follows_what_happens_to_a_connection(control, owner):
    connections, connection = control.rooms.connections, owner.connect()["id"]
    waiting = health(owner, connection)
    assert (waiting["status"], waiting["since"]) == ("pending", "2026-02-07T09:10:56.048460Z")
    assert "url" in waiting["next"]
    lead(owner, connection)
    assert health(owner, connection) == {
        "status": "ok", "reason": "Calls go through.", "since": "2026-02-07T09:11:56.048460Z", "next": None,
    }  # fmt: skip
    change(owner, connection, lambda tx, read: connections.fail_in(tx, read, "invalid_code"))
    failed = health(owner, connection)
    assert (failed["status"], failed["since"]) == ("failed", "2026-02-07T09:12:56.048460Z")
    assert "no longer valid" in failed["reason"] and "connect it again" in failed["next"]
    change(owner, connection, lambda tx, read: connections.fail_in(tx, read, "invalid_client"))
    assert health(owner, connection)["since"] == failed["since"]  # It has been so since then.
    owner.call("PATCH", f"/connections/{connection}", {"alias": "a"})
    assert health(owner, connection)["since"] == failed["since"]
    change(owner, connection, connections.mend_in)
    assert health(owner, connection)["since"] == "2026-02-07T09:14:56.048460Z"


def test_a_connection_with_less_than_it_should_have_is_limited(owner):
    connection = owner.connect()["id"]
    lead(owner, connection, scopes_missing=["ZohoCRM.users.ALL"])
    shown = health(owner, connection)
    assert shown["status"] == "limited" and "ZohoCRM.users.ALL" in shown["reason"]
    lead(owner, connection, not_verified="The app answered with 503.")
    shown = health(owner, connection)
    assert shown["status"] == "limited" and "answered with 503" in shown["reason"]


def test_a_token_that_is_not_renewed_is_told_and_whose_it_is_not_is_not(owner):
    failing, fine = owner.connect()["id"], owner.connect()["id"]
    for connection in (failing, fine):
        lead(owner, connection)

    async def fail(tx, connection):
        await token_store.take(tx, connection.id, token_store.Lease(), "me", 0.0)
        await token_store.note_failure(tx, connection.id, 0.0, "invalid_client")

    change(owner, failing, fail)
    shown = health(owner, failing)
    assert (shown["status"], shown["since"]) == ("limited", None)
    assert "does not know the client" in shown["reason"] and shown["next"]
    assert health(owner, fine)["status"] == "ok"
