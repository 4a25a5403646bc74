"""Bodies in the request log, from a call to whoever may see them."""

import pytest

from moorage.keys.scopes import EVERYTHING, parse
from moorage.requests import bodies, sealed
from moorage.requests.bodies import Bodies, body_of
from moorage.requests.service import Keeping
from tests.calls import add, log_calls, noted

HEADERS = [(b"Content-Type", b"application/json")]
SENT, GOT = b'{"data":[{"Last_Name":"Lee","password":"x"}]}', b'{"data":[{"code":"SUCCESS"}]}'
KEEPING = Keeping(100, 30, 1)
DAY = 24 * 3600


@pytest.fixture
def database_settings(database_settings):
    return {"MOORAGE_REQUEST_BODIES": "on", "MOORAGE_VAULT_KEY": "5a" * 32} | database_settings


@pytest.fixture
def reader(control, owner):
    """The owner with a key that may see bodies."""
    owner.plain_key, owner.key = owner.key, key_of(control, owner.account)
    return owner


def key_of(control, account, scopes=("requests:read", "requests:bodies", "keys:write")):
    return control.run(control.rooms.keys.create(account, "reader", scopes=parse(scopes)))[1]


def log_bodies(control, account, *ids):
    notes = control.rooms.request_notes
    for id_ in ids or ("r1",):
        add(notes, noted(account, request_id=id_))
        request, answer = body_of(HEADERS, len(SENT), SENT), body_of(HEADERS, len(GOT), GOT)
        notes.keep(Bodies(request, answer, ()))
    log_calls(control, [])
    assert notes.bodies.held == 0


def shown(caller, id_="r1"):
    return caller.get(f"/requests/{id_}?bodies=true").json["request"]["bodies"]


def rows(control):
    async def read():
        async with control.rooms.request_database.reading() as tx:
            return (await tx.connection.execute(sealed.bodies.select())).all()

    return control.run(read())


def test_bodies_are_shown_where_they_are_asked_for_and_nowhere_else(control, reader):
    log_bodies(control, reader.account, "r1", "r2")
    kept = shown(reader)
    assert kept["request"]["text"] == '{"data":[{"Last_Name":"Lee","password":"(not shown)"}]}'
    assert kept["answer"] == {
        "type": "application/json",
        "bytes": len(GOT),
        "text": GOT.decode(),
        "why": None,
    }
    for path in ("/requests", "/requests/r1", "/requests/r1?bodies=false"):
        assert "Lee" not in reader.get(path).text and "bodies" not in reader.get(path).text
    assert b"Lee" not in b"".join(bytes(row.content) for row in rows(control))
    assert reader.get("/requests/r1?bodies=1").code == "parameter_invalid"


def test_only_a_key_with_the_scope_sees_them(control, reader, stranger):
    log_bodies(control, reader.account)
    stranger.key = key_of(control, stranger.account)
    for path in ("/requests/r1?bodies=true", "/requests?bodies=true"):
        refused = control.call("GET", path, key=reader.plain_key)
        assert (refused.status, refused.code) == (403, "scope_missing") and "requests:bodies" in refused.text
        assert "Lee" not in stranger.get(path).text
    assert stranger.get("/requests/r1?bodies=true").code == "request_unknown"


def test_a_list_shows_bodies_up_to_their_limit_and_goes_on_behind_them(control, reader, monkeypatch):
    log_calls(control, [noted(reader.account, request_id="r0")])
    log_bodies(control, reader.account, "r1", "r2", "r3")
    monkeypatch.setattr(sealed, "MOST_SHOWN", rows(control)[0].size * 2)
    first = reader.get("/requests?bodies=true").json
    assert [call["request_id"] for call in first["requests"]] == ["r3", "r2"]
    assert [call["bodies"] for call in first["requests"]] == [shown(reader)] * 2
    rest = reader.get(f"/requests?bodies=true&cursor={first['next_cursor']}").json
    assert [call["request_id"] for call in rest["requests"]] == ["r1", "r0"]
    assert rest["requests"][1]["bodies"] is None and rest["next_cursor"] is None
    monkeypatch.setattr(sealed, "MOST_SHOWN", 1)
    assert len(reader.get("/requests?bodies=true").json["requests"]) == 1
    assert reader.get("/requests?bodies=1").code == "parameter_invalid"


def test_nobody_gets_the_scope_who_has_not_named_it(control, reader):
    assert "requests:bodies" not in EVERYTHING.texts()
    made = reader.call("POST", "/keys", {"name": "child"}).json["key"]
    assert made["scopes"] == ["keys:write", "requests:read"]
    named = {"name": "child", "scopes": ["requests:bodies"]}
    assert reader.call("POST", "/keys", named).status == 200
    reader.key = reader.plain_key
    assert reader.call("POST", "/keys", named).code == "scope_missing"


def test_they_are_removed_after_their_days_with_their_calls_and_when_there_is_no_room(
    control, reader, monkeypatch
):
    requests = control.rooms.requests
    log_bodies(control, reader.account, "r1")
    control.clock.advance(1.5 * DAY)
    log_bodies(control, reader.account, "r2", "r3", "r4")
    control.run(requests.prune(KEEPING))
    assert shown(reader, "r1") is None and shown(reader, "r2")
    monkeypatch.setattr(sealed, "MOST_KEPT", rows(control)[-1].size * 2)
    monkeypatch.setattr(sealed, "STEP", 1)
    control.run(requests.prune(KEEPING))
    assert [shown(reader, id_) is not None for id_ in ("r2", "r3", "r4")] == [False, True, True]
    log_bodies(control, reader.account, "r5")
    log_bodies(control, reader.account, "r6")
    control.run(requests.prune(Keeping(1, 30, 1)))
    assert len(rows(control)) == 1 and shown(reader, "r6")


def test_a_body_of_another_call_is_not_taken_for_its_own(control, reader):
    log_bodies(control, reader.account, "r1", "r2")

    async def swap():
        async with control.rooms.request_database.transaction() as tx:
            first, second = (await tx.connection.execute(sealed.bodies.select())).all()
            for row, other in ((first, second), (second, first)):
                change = sealed.bodies.update().where(sealed.bodies.c.number == row.number)
                await tx.connection.execute(change.values(content=other.content))

    control.run(swap())
    assert shown(reader, "r1") is None


def test_what_does_not_fit_into_memory_is_left_out(control, reader, monkeypatch):
    monkeypatch.setattr(bodies, "MOST_HELD", len(SENT))
    log_bodies(control, reader.account)
    assert [(body["text"], body["why"]) for body in shown(reader).values()] == [(None, "crowded")] * 2
