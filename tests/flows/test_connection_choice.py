"""Which connection a call goes through, asked of a whole server with the real keys and connections behind it."""

import json
import subprocess
import time
import uuid

import pytest

from moorage.connections.model import Upstream
from moorage.keys import store as keys_store
from moorage.oauth.tokens.service import AccessToken
from tests.flows.conftest import MOORAGE, environment
from tests.gateway.wire import OK
from tests.waiting import wait_until

LEADS = "/zoho-crm/crm/v8/Leads?fields=id"


@pytest.fixture
def server(home, own_server):
    return own_server()


def create(server, app):
    return json.loads(server.call("POST", "/connections", {"app": app})[2])["connection"]["connection_id"]


def used(upstream):
    """The connection whose token the upstream got last."""
    return upstream.requests[-1].partition(b"Authorization: Example token-of-")[2][:36].decode()


def test_without_an_active_connection_the_answer_says_how_to_make_one(server):
    create(server, "example")  # PENDING: not to be chosen.
    status, answer = server.get("/example/things")
    assert (status, answer["error"]["code"]) == (400, "connection_missing")
    assert 'POST /connections {"app": "example"}' in answer["detail"]


def test_unknown_deleted_malformed_and_somebody_elses_look_the_same(server, inside, connect):
    async def stranger(rooms):
        async with rooms.database.transaction() as tx:
            await keys_store.add_account(tx, "stranger", "stranger")

    inside(stranger)
    connect()
    deleted = connect()
    assert server.call("DELETE", f"/connections/{deleted}")[0] == 200
    answers = []
    for name in (str(uuid.uuid4()), deleted, "not-an-id", connect("stranger"), "x" * 3000):
        status, answer = server.get("/example/things", **{"Maton-Connection": name})
        answers.append((status, json.dumps(answer).replace(name[:64], "…")))
    assert len(set(answers)) == 1 and answers[0][0] == 404 and "connection_unknown" in answers[0][1]


def test_headers_that_name_two_connections_are_told_as_that(server, connect):
    one, other = connect(), connect()
    status, answer = server.get("/example/things", **{"Maton-Connection": one, "Moorage-Connection": other})
    assert (status, answer["error"]["code"]) == (404, "connection_unknown")
    assert answer["message"] == f"The call names several connections: {one}, {other}."
    assert "with one name" in answer["detail"]


def test_a_connection_of_another_app_is_named_with_its_app(server, connect):
    status, answer = server.get(LEADS, **{"Maton-Connection": connect()})
    assert (status, answer["error"]["code"]) == (400, "connection_app_mismatch")
    assert "for example, not for zoho-crm" in answer["message"]


@pytest.mark.parametrize("state", ["PENDING", "FAILED"])
def test_a_connection_that_is_not_active_is_told_as_what_it_is(server, inside, state):
    pending = create(server, "zoho-crm")

    async def fail(rooms):
        account = await rooms.keys.first_account()
        connection = await rooms.connections.get(account, pending)
        async with rooms.database.transaction() as tx:
            await rooms.connections.fail_in(tx, connection, "invalid_code")

    if state == "FAILED":
        inside(fail)
    status, answer = server.get(LEADS, **{"Maton-Connection": pending})
    assert (status, answer["error"]["code"]) == (400, "connection_inactive")
    assert state in answer["message"] and f"/connections/{pending}" in answer["detail"]
    assert server.get(LEADS)[0] == 200  # It takes nothing from the one that is active.


def test_the_oldest_active_one_is_chosen_and_any_can_be_named(server, connect, upstream):
    create(server, "example")  # Older than all, and never active.
    first, second, third = connect(), connect(), connect()
    assert server.call("GET", "/example/things")[0] == 200 and used(upstream) == first
    for header in ("Maton-Connection", "maton-connection", "X-Maton-Connection"):
        for name in (third, second, third.upper()):
            assert server.call("GET", "/example/things", headers={header: name})[0] == 200
            assert used(upstream) == name.lower()
    assert server.call("DELETE", f"/connections/{first}")[0] == 200
    assert server.call("GET", "/example/things")[0] == 200 and used(upstream) == second
    assert server.call("DELETE", f"/connections/{second}")[0] == 200
    assert server.call("GET", "/example/things")[0] == 200 and used(upstream) == third
    assert server.call("DELETE", f"/connections/{third}")[0] == 200
    assert server.get("/example/things")[0] == 400


def through(answer):
    """The connection that the headers of an answer name, and its kind."""
    _, headers, _ = answer
    return headers.get("moorage-connection"), headers.get("moorage-environment")


def test_every_answer_says_which_connection_served_it(server, connect, upstream):
    upstream.script = [b"HTTP/1.1 200 OK\r\nMoorage-Connection: forged\r\nContent-Length: 2\r\n\r\nok"]
    first = connect()
    assert through(server.call("GET", "/example/things")) == (first, "live")
    [demo] = [
        connection
        for connection in server.get("/connections")[1]["connections"]
        if connection["app"] == "zoho-crm"
    ]
    assert demo["default"] and demo["environment"] == "embedded"
    for path in (LEADS, "/zoho-crm/crm/v8/Nothing", "/zoho-crm/crm/v8/Leads"):  # Errors of the app, too.
        assert through(server.call("GET", path)) == (demo["id"], "embedded")
    reader = json.loads(server.call("POST", "/keys", {"name": "r", "scopes": ["proxy:read"]})[2])["secret"]
    refused = server.call("POST", "/example/things", {}, {"Authorization": f"Bearer {reader}"})
    assert refused[0] == 403 and through(refused) == (first, "live")
    upstream.script = [b"nonsense\r\n\r\n"]
    failed = server.call("GET", "/example/things")
    assert failed[0] == 502 and through(failed) == (first, "live")
    # Nothing is said where none was chosen.
    assert through(server.call("GET", "/example/things", headers={"Maton-Connection": "x"})) == (None, None)


def test_an_alias_is_taken_and_told_until_it_is_another_ones(server, connect, upstream):
    first, second = connect(), connect()
    assert server.run("connection", "label", second, "--alias", "sales-eu").returncode == 0
    by_alias = {"Maton-Connection": "sales-eu"}
    answer = server.call("GET", "/example/things", headers=by_alias)
    assert through(answer) == (f"{second}; alias=sales-eu", "live") and used(upstream) == second
    told = {"Moorage-Connection": answer[1]["moorage-connection"]}
    assert through(server.call("GET", "/example/things", headers=told)) == through(answer)
    upstream.script = [b"nonsense\r\n\r\n"]
    assert through(server.call("GET", "/example/things", headers=by_alias)) == through(answer)
    for path in (
        LEADS,
        "/connections/sales-eu/diagnosis",
        "/connections/sales-eu/tokens",
    ):  # Of another app it is unknown, by its id it is not.
        assert server.get(path, **by_alias)[0] == (404 if path == LEADS else 200)
    moved = server.call("PATCH", "/connections/sales-eu", {"alias": None})
    assert moved[0] == 200 and server.get("/example/things", **by_alias)[0] == 404
    assert server.call("PATCH", f"/connections/{first}", {"alias": "sales-eu"})[0] == 200
    upstream.script = [OK]
    assert through(server.call("GET", "/example/things", headers=by_alias))[0] == f"{first}; alias=sales-eu"
    rows = server.run("connection", "list", "--alias", "sales-eu").stdout.splitlines()
    assert [row.split()[:2] for row in rows[1:]] == [[first, "sales-eu"]]
    wrong = server.run("connection", "get", "sales-ue", check=False)
    assert wrong.returncode == 5 and "Did you mean sales-eu?" in wrong.stderr


def test_the_command_chooses_the_default_and_goes_back_to_the_rule(server, connect, upstream):
    first, second = connect(), connect()
    told = server.run("connection", "use", second).stdout
    assert f"go through {second}" in told
    assert server.call("GET", "/example/things")[0] == 200 and used(upstream) == second
    rows = server.run("connection", "list", "--app", "example").stdout.splitlines()
    assert [row.split()[0] for row in rows if " * " in row] == [second]
    assert server.call("DELETE", f"/connections/{second}")[0] == 200
    status, answer = server.get("/example/things")
    assert (status, answer["error"]["code"]) == (409, "default_deleted") and first in answer["detail"]
    assert server.call("GET", "/example/things", headers={"Moorage-Connection": first})[0] == 200
    told = json.loads(server.run("connection", "use", "--none", "example", "--json").stdout)
    assert told == {"default": {"app": "example", "connection_id": first, "chosen": None}}
    assert server.call("GET", "/example/things")[0] == 200 and used(upstream) == first
    assert server.run("connection", "use", check=False).returncode == 2


def test_an_older_connection_that_becomes_active_is_chosen_from_then_on(server, inside, connect, upstream):
    older = create(server, "example")
    newer = connect()
    assert server.call("GET", "/example/things")[0] == 200 and used(upstream) == newer

    async def activate(rooms):
        connection = await rooms.connections.get(await rooms.keys.first_account(), older)
        token = AccessToken(f"token-of-{older}", None)
        there = Upstream("remote", f"http://127.0.0.1:{upstream.port}/base")
        await rooms.connections.activate(
            connection, there, {}, also=lambda tx: rooms.tokens.keep(tx, older, token, None)
        )

    inside(activate)
    wait_until(lambda: server.call("GET", "/example/things")[0] == 200 and used(upstream) == older)


def test_a_second_app_is_called_as_its_file_says(server, connect, upstream):
    name = connect()
    assert server.call("GET", "/example/things/%2Fa?x=1&y=%20", headers={"X-Own": "1"})[2] == b"ok"
    head = upstream.requests[-1].decode().split("\r\n")
    assert head[0] == "GET /base/things/%2Fa?x=1&y=%20 HTTP/1.1"
    assert head[1:3] == [f"Host: 127.0.0.1:{upstream.port}", f"Authorization: Example token-of-{name}"]
    assert "X-Own: 1" in head and server.api_key not in "".join(head)


def test_neither_key_nor_token_is_logged(server, connect, upstream):
    name = connect()
    upstream.script = [b"nonsense\r\n\r\n"]
    status, headers, body = server.call("GET", "/example/things")
    assert status == 502 and headers["x-request-id"]
    upstream.stop()
    time.sleep(0.1)
    assert server.call("GET", "/example/things")[0] == 502
    server.call("GET", "/example/things", headers={"Authorization": "Bearer wrong-and-secret-key"})
    server.stop()
    logged = server.process.stderr.read()
    assert "upstream.invalid" in logged and "upstream.unreachable" in logged
    for secret in (server.api_key, f"token-of-{name}", "wrong-and-secret-key"):
        assert secret not in logged + body.decode()


def test_a_fault_in_a_file_keeps_the_server_from_starting(home):
    (home / "providers" / "bad.toml").write_text('name = "bad"\n')
    done = subprocess.run(
        [*MOORAGE, "up", "--port", "0", "--crm-port", "0"],
        env=environment(home), capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode != 0
    assert "bad.toml" in done.stderr and "title" in done.stderr and "Traceback" not in done.stderr
