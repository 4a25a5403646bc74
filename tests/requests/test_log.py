"""The request log, from notes to the control API, on both kinds of control database."""

import urllib.parse

import msgspec
import pytest
import sqlalchemy as sa

from moorage.access import EVERYWHERE, Reach
from moorage.requests import notes, service, store, writer
from moorage.requests.blocks import NewBlock
from moorage.requests.migrations import REQUESTS
from moorage.requests.place import url_of
from moorage.requests.service import Keeping
from moorage.requests.writer import Writer
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.migrate import migrate
from tests.calls import add, log_call, log_calls, noted

DAY = 24 * 3600
_CHANGED = (
    "request_id",
    "trace",
    "duration_ms",
    "app_ms",
    "status",
    "source",
    "error",
    "bytes_in",
    "bytes_out",
)
_CHANGED += ("sent", "verdict", "rule")


def pages(caller, target="/requests?limit=2"):
    """The calls of all pages, and how many pages there were."""
    calls, count, cursor = [], 0, ""
    while cursor is not None:
        page = caller.get(f"{target}{cursor and f'&cursor={cursor}'}").json
        calls, count, cursor = calls + page["requests"], count + 1, page["next_cursor"]
    return calls, count


def test_a_call_has_what_a_person_asks_about_it(control, owner):
    [key] = owner.get("/keys").json["keys"]
    log_call(
        control, owner.account, key=key["id"], path="/crm/v8/Leads?fields=Last_Name&token=abc", status=404
    )
    [call] = owner.get("/requests").json["requests"]
    assert call["key"] == {"id": key["id"], "name": "owner"}
    assert (call["method"], call["path"], call["status"], call["sent"]) == (
        "GET",
        "/crm/v8/Leads",
        404,
        "true",
    )
    assert call["query"] == "fields=Last_Name&token=*"
    assert (call["duration_ms"], call["app_ms"]) == (pytest.approx(5), pytest.approx(3))
    assert call["connection"] == {"id": "c", "alias": None}
    assert (call["environment"], call["bytes_out"]) == ("embedded", 9)
    assert owner.get("/requests/r1").json == {"request": call}


def test_pages_have_each_call_once_and_the_newest_first(control, owner):
    log_calls(control, [noted(owner.account, request_id=f"r{index}") for index in range(3)])
    log_calls(control, [noted(owner.account, request_id=f"r{index}") for index in range(3, 5)])
    calls, count = pages(owner)
    assert [call["request_id"] for call in calls] == ["r4", "r3", "r2", "r1", "r0"]
    assert count == 3


def test_each_call_of_a_block_has_what_was_called_and_how_it_ended(control, owner):
    made = [("r1", "/crm/v8/Leads", 200), ("r2", "/crm/v8/Deals", 404), ("r3", "/crm/v8/Leads", 201)]
    log_calls(control, [noted(owner.account, request_id=id_, path=path, status=s) for id_, path, s in made])
    calls = owner.get("/requests").json["requests"]
    assert [(call["request_id"], call["path"], call["status"]) for call in reversed(calls)] == made


def test_blocks_of_older_versions_are_read(control, owner):
    url, [key] = url_of(control.rooms.settings), owner.get("/keys").json["keys"]
    caller = [owner.account, key["id"], "zoho-crm", "c", "live"]
    get = [caller, b"GET", b"/crm/v8/Leads?fields=City"]
    plain = [b"r1", 1.0, 1.0, 1.25, 1.25, 200, "upstream", None, 0, 9, "true"]
    traced = [b"r2 0123", 2.0, 2.1, 2.25, 2.5, 404, "upstream", None, 3, 7, "true"]
    refused = [b"r3", 3.0, 3.0, 0.0, 3.5, 403, "gateway", "denied", 0, 5, "false"]
    read, deny = ["list records", "read", ["Leads"]], ["deny", "no deals"]
    whole = [[*get, *plain, read, None, None, None]]
    whole += [[*get, b"r2", *traced[1:], read, None, None, "0123"], [*get, *refused, read, *deny]]
    called = [[*get, read, None, None], [*get, read, *deny]]
    together = {"called": called, "order": [0, 0, 1], "endings": [plain, traced, refused]}

    async def write():
        async with control.rooms.request_database.transaction() as tx:
            blocks = [NewBlock(owner.account, 3, msgspec.msgpack.encode(form)) for form in (whole, together)]
            await tx.connection.run(lambda opened: store.add(tx.now, 0, blocks, opened))
            table = sa.table(REQUESTS.table, sa.column("version_num"))
            await tx.connection.execute(table.update().values(version_num="0003"))

    control.run(write())
    migrate(url, history=REQUESTS)
    calls = owner.get("/requests").json["requests"]
    for call in calls:
        assert (call.pop("path"), call.pop("query"), call.pop("module")) == (
            "/crm/v8/Leads",
            "fields=City",
            "Leads",
        )
    named = [{name: call[name] for name in _CHANGED} for call in reversed(calls)]
    assert named[:3] == named[3:]
    assert [tuple(call.values()) for call in named[:3]] == [
        ("r1", None, 250.0, 250.0, 200, "upstream", None, 0, 9, "true", None, None),
        ("r2", "0123", 500.0, 150.0, 404, "upstream", None, 3, 7, "true", None, None),
        ("r3", None, 500.0, None, 403, "gateway", "denied", 0, 5, "false", "deny", "no deals"),
    ]
    assert len(owner.get("/requests?q=status:404").json["requests"]) == 2


def test_a_look_that_takes_too_long_ends_between_two_calls(control, owner, monkeypatch):
    monkeypatch.setattr(service, "LONGEST_LOOK", -1)
    for index in range(3):
        log_call(control, owner.account, request_id=f"r{index}")
    calls, count = pages(owner, "/requests?limit=50")
    assert [call["request_id"] for call in calls] == ["r2", "r1", "r0"] and count == 4
    assert owner.get("/requests/r0").status == 200


def test_a_request_id_that_came_twice_is_the_newer_call(control, owner):
    log_call(control, owner.account, status=500)
    log_call(control, owner.account, status=200)
    assert owner.get("/requests/r1").json["request"]["status"] == 200


def test_each_account_sees_its_own_calls(control, owner, stranger):
    log_calls(control, [noted(owner.account), noted(stranger.account, request_id="r2"), noted(owner.account)])
    assert [call["request_id"] for call in stranger.get("/requests").json["requests"]] == ["r2"]
    assert len(owner.get("/requests").json["requests"]) == 2
    assert stranger.get("/requests/r1").code == "request_unknown"


def test_a_narrow_key_sees_calls_through_its_connections(control, owner):
    for app, connection in (("zoho-crm", "c"), ("github", "d")):
        log_call(control, owner.account, app=app, connection=connection, environment="live", request_id=app)
    owner.key = owner.call("POST", "/keys", {"name": "n", "scopes": ["requests:read", "proxy:github"]}).json[
        "secret"
    ]
    assert [call["app"] for call in owner.get("/requests").json["requests"]] == ["github"]
    assert owner.get("/requests/zoho-crm").status == 404


def test_aliases_are_those_of_connections_that_the_caller_may_use(control, owner, stranger):
    named, other, _ = (owner.connect()["id"] for _ in range(3))
    for connection, alias in ((named, "sales"), (other, "support")):
        owner.call("PATCH", f"/connections/{connection}", {"alias": alias})
    log_call(control, owner.account, connection=named)
    [call] = owner.get("/requests").json["requests"]
    assert call["connection"] == {"id": named, "alias": "sales"}
    aliases, only = control.rooms.connections.aliases, Reach(frozenset(), frozenset({other}))
    assert control.run(aliases(owner.account, EVERYWHERE)) == {named: "sales", other: "support"}
    assert control.run(aliases(owner.account, only)) == {other: "support"}
    assert control.run(aliases(stranger.account, EVERYWHERE)) == {}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "cursor=x", "cursor=-1", "cursor=" + "9" * 19]
)
def test_a_wrong_parameter_is_named(owner, query):
    answer = owner.get(f"/requests?{query}")
    assert (answer.status, answer.code) == (400, "parameter_invalid")
    assert query.partition("=")[0] in answer.json["message"]


@pytest.mark.parametrize("request_id", ["%00", "%ED%A0%80", "x" * 200, "%F0%9F%92%A3", "é"])
def test_no_request_id_is_an_error_of_ours(owner, request_id):
    assert owner.call("GET", f"/requests/{request_id}").status in {400, 404}


def test_old_calls_and_too_many_calls_are_removed(control, owner):
    requests = control.rooms.requests
    log_calls(control, [noted(owner.account)] * 3)
    control.clock.advance(2 * DAY)
    for index in range(4):
        log_call(control, owner.account, request_id=f"r{index}")
    control.run(requests.prune(Keeping(100, 1, 1)))
    assert [call["request_id"] for call in owner.get("/requests").json["requests"]] == [
        "r3",
        "r2",
        "r1",
        "r0",
    ]
    control.run(requests.prune(Keeping(2, 1, 1)))
    assert [call["request_id"] for call in owner.get("/requests").json["requests"]] == ["r3", "r2"]


def test_notes_wait_while_the_database_is_away_and_too_many_are_told(control, owner, monkeypatch):
    rooms = control.rooms
    monkeypatch.setattr(writer, "MOST_READY", 2)
    monkeypatch.setattr(notes, "LONGEST_SHEET", 1)
    monkeypatch.setattr(notes, "TOGETHER", 1)
    monkeypatch.setattr(rooms.request_database, "transaction", _unusable)
    for index in range(3):
        add(rooms.request_notes, noted(owner.account, request_id=f"r{index}"))
    with pytest.raises(DatabaseUnusable):
        control.run(rooms.request_writer.write())
    monkeypatch.undo()
    control.run(rooms.request_writer.close())
    page = owner.get("/requests").json
    assert [call["request_id"] for call in page["requests"]] == ["r1", "r0"]
    assert [(notice["kind"], notice["count"]) for notice in page["notices"]] == [("dropped", 1)]


def _unusable(**_):
    raise DatabaseUnusable("away", help="wait", kind="busy")


def test_strangers_are_told_as_a_number(control, owner):
    control.rooms.request_notes.strangers = 7
    control.run(control.rooms.request_writer.tell())
    control.run(control.rooms.request_writer.tell())
    assert [(notice["kind"], notice["count"]) for notice in owner.get("/requests").json["notices"]] == [
        ("strangers", 7)
    ]


@pytest.mark.parametrize("leaves", [False, True])
def test_a_writer_that_ends_without_a_word_is_told(control, owner, monkeypatch, leaves):
    other = Writer(control.rooms.request_database, control.rooms.request_notes, None)
    monkeypatch.setattr(other, "_name", f"{other._name}0")  # Of a process that is not there.
    control.run(other.tell())
    if leaves:
        control.run(other.close())
    control.run(control.rooms.request_writer.tell())
    kinds = [notice["kind"] for notice in owner.get("/requests").json["notices"]]
    assert kinds == ([] if leaves else ["interrupted"])


def test_a_query_chooses_and_a_mistake_in_it_is_told(control, owner):
    owner.connect()
    for status, path in ((200, "/crm/v8/Leads"), (404, "/crm/v8/Leads/1"), (500, "/crm/v8/Contacts")):
        log_call(control, owner.account, status=status, path=path, request_id=f"r{status}")

    def asked(query):
        page = owner.get(f"/requests?q={urllib.parse.quote(query)}").json
        return [call["status"] for call in page["requests"]]

    assert asked("status:>=400 module:Leads") == [404]
    assert asked("-module:Leads") == [500]
    assert asked("contacts since:1d class:read") == [500]
    assert asked("id:r200") == [200]
    wrong = owner.get("/requests?q=stat:200")
    assert (wrong.status, wrong.code) == (400, "query_invalid") and "status" in wrong.json["message"]


def test_each_call_says_what_it_does(control, owner):
    log_call(control, owner.account, method="DELETE", path="/crm/v8/Deals/7243485000000597064")
    [call] = owner.get("/requests").json["requests"]
    assert (call["class"], call["module"], call["verdict"]) == ("destructive", "Deals", None)
    assert call["operation"] == "DELETE /crm/v8/{module}/{id}"
