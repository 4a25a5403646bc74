"""What keys with narrow scopes may do on the data plane, asked of a whole server over its sockets."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from tests.waiting import wait_until

READS = ["GET", "HEAD", "OPTIONS"]
WRITES = ["POST", "PUT", "PATCH", "DELETE"]
APPS = ["example", "zoho-crm"]
# A key's scopes to the apps that it may read and those that it may write. {one} is a connection to the first app.
MATRIX = {
    "connections:read connections:write keys:read keys:write": ([], []),
    "proxy": (APPS, APPS),
    "proxy:read": (APPS, []),
    "proxy:example": (["example"], ["example"]),
    "proxy:example:read": (["example"], []),
    "proxy:zoho-crm": (["zoho-crm"], ["zoho-crm"]),
    "proxy:read proxy:example": (APPS, ["example"]),
    "proxy:{one}": (["example"], ["example"]),
    "proxy:{one}:read": (["example"], []),
    "proxy:{one}:read proxy:zoho-crm": (APPS, ["zoho-crm"]),
}
PATHS = {"example": "/example/things", "zoho-crm": "/zoho-crm/crm/v8/Leads?fields=Last_Name"}


@pytest.fixture
def server(home, own_server):
    return own_server()


class Holder:
    """Somebody who holds a new key."""

    def __init__(self, server, scopes=None, **more):
        status, _, body = server.call("POST", "/keys", {"name": "narrow", "scopes": scopes, **more})
        assert status == 200, body
        self.server, self.made = server, json.loads(body)
        self.authorization = {"Authorization": f"Bearer {self.made['secret']}"}

    def call(self, method, path, body=None, **headers):
        return self.server.call(method, path, body, headers=self.authorization | headers)

    def status(self, method, path, **headers):
        return self.call(method, path, **headers)[0]

    def code(self, method, path, **headers):
        return json.loads(self.call(method, path, **headers)[2])["error"]["code"]


def test_every_app_and_method_takes_the_keys_that_have_a_scope_for_it_and_no_other(server, connect):
    connection = connect()
    for texts, (reads, writes) in MATRIX.items():
        holder = Holder(server, texts.format(one=connection).split())
        for app in APPS:
            allowed = (READS if app in reads else []) + (WRITES if app in writes else [])
            for method in READS + WRITES:
                for _ in range(2):  # The second time it may be answered from what is remembered.
                    status, headers, body = holder.call(method, PATHS[app])
                    if method in allowed:
                        refused_by_us = headers.get("moorage-error-source") == "gateway"
                        assert not refused_by_us, (texts, app, method, status, body)
                        continue
                    assert status in {403, 400}, (texts, app, method)
                    assert headers["moorage-error-source"] == "gateway"
                    if body:
                        code = json.loads(body)["error"]["code"]
                        # One connection's key is for whatever app that is of: others are told so.
                        pinned = app not in reads and texts.startswith("proxy:{one}")
                        assert code == ("connection_app_mismatch" if pinned else "scope_missing"), texts


def test_the_answer_names_a_scope_that_is_enough(server, connect):
    connect()
    for scopes, method, needed in (
        (["keys:read"], "GET", "proxy:example:read"),
        (["proxy:zoho-crm"], "POST", "proxy:example:read"),
        (["proxy:read"], "DELETE", "proxy:example"),
    ):
        status, headers, body = Holder(server, scopes).call(method, PATHS["example"])
        answer = json.loads(body)
        assert (status, answer["error"]["code"], answer["error"]["type"]) == (
            403,
            "scope_missing",
            "permission",
        )
        assert answer["message"] == f"This needs an API key with the scope {needed}."
        assert headers["x-request-id"]


def test_nothing_that_is_refused_is_sent(server, connect, upstream):
    connect()
    holder = Holder(server, ["proxy:example:read"])
    assert holder.status("GET", PATHS["example"]) == 200
    sent = len(upstream.requests)
    for method in [*WRITES, "PROPFIND", "REPORT", "SEARCH", "LOCK", "MERGE"]:
        assert holder.status(method, PATHS["example"]) == 403
    assert holder.call("POST", PATHS["example"], {"big": "x" * 300_000})[0] == 403
    assert len(upstream.requests) == sent


@pytest.mark.parametrize(
    "header",
    [
        "X-HTTP-Method-Override",
        "x-http-method",
        "X-Method-Override",
        "X_HTTP_METHOD_OVERRIDE",
        "X-Original-Method",
    ],
)
def test_a_header_that_names_another_method_does_not_widen_reading(server, connect, upstream, header):
    connect()
    reader, writer = Holder(server, ["proxy:example:read"]), Holder(server, ["proxy:example"])
    for value in ("DELETE", "get", ""):
        assert reader.code("GET", PATHS["example"], **{header: value}) == "scope_missing"
    assert reader.status("POST", PATHS["example"], **{header: "GET"}) == 403
    assert upstream.requests == []
    assert writer.status("GET", PATHS["example"], **{header: "DELETE"}) == 200
    assert header.lower().encode() in upstream.requests[-1].lower()


@pytest.mark.parametrize("name", ["_method", "_HttpMethod", "%5Fmethod", "X-HTTP-Method-Override", "$method"])
def test_nor_does_a_parameter(server, connect, upstream, name):
    connect()
    reader, writer = Holder(server, ["proxy:example:read"]), Holder(server, ["proxy:example"])
    for query in (f"{name}=DELETE", f"a=b&{name}=PATCH", f"{name}", f"a;{name}=PUT"):
        assert reader.code("GET", f"{PATHS['example']}?{query}") == "scope_missing"
    assert upstream.requests == []
    assert writer.status("GET", f"{PATHS['example']}?{name}=DELETE") == 200
    assert reader.status("GET", f"{PATHS['example']}?method=DELETE&x=_method") == 200


def test_a_key_for_one_connection_takes_it_by_default_and_no_other(server, connect, upstream):
    first, second = connect(), connect()
    holder = Holder(server, [f"proxy:{second}", "connections:read"])
    for headers in ({}, {"Maton-Connection": second}):
        assert holder.status("GET", PATHS["example"], **headers) == 200
        assert f"token-of-{second}".encode() in upstream.requests[-1]
    never = "e55c5bac-241a-4cc8-9db5-50d2cad09136"
    answers = [
        holder.call("GET", PATHS["example"], **{"Maton-Connection": connection})
        for connection in (first, never)
    ]
    assert [answer[0] for answer in answers] == [404, 404]
    assert answers[0][2].decode().replace(first, never) == answers[1][2].decode()
    listed = json.loads(holder.call("GET", "/connections")[2])["connections"]
    assert [connection["id"] for connection in listed] == [second]


def test_a_test_key_reaches_the_embedded_crm_and_nothing_else(server, connect, upstream):
    named = {"Maton-Connection": connect()}
    holder = Holder(server, mode="test")
    assert holder.made["secret"].startswith("mk_test_")
    assert holder.status("GET", PATHS["zoho-crm"]) == 200
    assert holder.code("GET", PATHS["example"]) == "connection_missing"
    assert holder.code("GET", PATHS["example"], **named) == "connection_unknown"
    assert upstream.requests == []
    assert Holder(server, mode="live").status("GET", PATHS["example"], **named) == 200


@pytest.mark.parametrize("end", ["revoke", "rotate"])
def test_a_secret_that_was_ended_stops_within_a_moment_in_every_worker(own_server, end):
    server = own_server("--workers", "2")
    holder = Holder(server, ["proxy", "connections:read"])

    def statuses():
        return {holder.status("GET", path) for path in (PATHS["zoho-crm"], "/connections") for _ in range(20)}

    assert statuses() == {200}
    key = f"/keys/{holder.made['key']['id']}"
    if end == "revoke":
        assert server.call("DELETE", key)[0] == 200
    else:
        assert server.call("POST", f"{key}/rotate", {"overlap_seconds": 0})[0] == 200
    wait_until(lambda: statuses() == {401})


def test_no_call_that_begins_after_a_keys_end_is_answered_by_any_worker(own_server):
    server = own_server("--workers", "2")
    end = datetime.now(UTC) + timedelta(seconds=2)
    holder = Holder(server, ["proxy", "connections:read"], expires_at=end.isoformat())
    refused = 0
    while refused < 40:
        for path in (PATHS["zoho-crm"], "/connections"):
            began = datetime.now(UTC)
            status = holder.status("GET", path)
            assert status in {200, 401} and (status == 401 or began < end)
            refused += status == 401


def test_while_a_key_is_rotated_nobody_who_uses_it_is_turned_away(own_server):
    server = own_server("--workers", "2")
    holder = Holder(server, ["proxy:zoho-crm:read"])
    statuses, over = [], threading.Event()

    def use():
        while not over.is_set():
            statuses.append(holder.status("GET", PATHS["zoho-crm"]))

    caller = threading.Thread(target=use)
    caller.start()
    try:
        for _ in range(5):
            status, _, body = server.call("POST", f"/keys/{holder.made['key']['id']}/rotate")
            assert status == 200
            renewed = {"Authorization": f"Bearer {json.loads(body)['secret']}"}
            assert server.call("GET", PATHS["zoho-crm"], headers=renewed)[0] == 200
    finally:
        over.set()
        caller.join()
    assert statuses and set(statuses) == {200}
