"""The proxy of `moorage mcp`, between lines of a test and a server that answers as the test says."""

import json
import threading

import pytest

from moorage.cli.mcp import proxy
from moorage.client import Misconfigured, Moorage
from tests.cli.mcp.talking import Talk, request, result
from tests.waiting import wait_until

TOOL = {
    "name": "look",
    "inputSchema": {
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"properties": {"far": {"type": "boolean", "x-mcp-header": "Far"}}},
            "size": {"type": "number", "x-mcp-header": "Size"},
            "bad": {"type": "string", "x-mcp-header": "Not a token"},
        }
    },
}
ARGUMENTS = {"region": "Zürich", "deep": {"far": True}, "size": 1.5, "bad": "x", "other": 1}


def failure(message_id, code, message="no"):
    return json.dumps(
        {"jsonrpc": "2.0", "id": message_id, "error": {"code": code, "message": message}}
    ).encode()


def events(*documents):
    return [
        b": still here\n\n",
        *(b"event: message\ndata: " + json.dumps(d).encode() + b"\n\n" for d in documents),
    ]


def test_a_request_goes_on_as_it_came_with_headers_that_repeat_it(scripted, talk):
    line = (
        b'{"jsonrpc": "2.0",  "id": "a", "method": "tools/call", "params": {"name": "\xc3\xa9", "n": 1e400}}'
    )
    line = line.replace(
        b'"name"', b'"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}, "name"'
    )
    talk.say(line + b"\n")
    assert talk.heard()["id"] == "a"
    headers = scripted.headers()
    assert headers["mcp-protocol-version"] == "2026-07-28"
    assert (headers["mcp-method"], headers["mcp-name"]) == ("tools/call", "=?base64?w6k=?=")
    assert headers["authorization"] == "Bearer mk_test"
    assert {"application/json", "text/event-stream"} <= set(headers["accept"].split(", "))
    assert (scripted.seen[-1][1]["path"], scripted.seen[-1][1]["raw"]) == ("/mcp", line)


@pytest.mark.parametrize("listed", [True, False], ids=["that were listed", "that were not"])
def test_marked_arguments_of_tools_are_repeated_in_headers(scripted, talk, listed):
    def answer(message):
        if message["method"] == "tools/list":
            return 200, "application/json", result(message["id"], {"tools": [TOOL]})
        if "mcp-param-region" not in scripted.headers():
            return 400, "application/json", failure(message["id"], -32020)
        return 200, "application/json", result(message["id"], {"content": []})

    scripted.answer = answer
    if listed:
        talk.ask("tools/list")
    assert talk.ask("tools/call", 2, name="look", arguments=ARGUMENTS)["result"] == {"content": []}
    headers = scripted.headers()
    assert headers["mcp-param-region"] == "=?base64?WsO8cmljaA==?="
    assert headers["mcp-param-far"] == "true"
    assert not {"mcp-param-size", "mcp-param-not a token"} & headers.keys()
    assert (
        scripted.methods() == ["tools/list", "tools/call"]
        if listed
        else ["tools/call", "tools/list", "tools/call"]
    )


def test_a_mismatch_that_a_list_does_not_mend_is_the_answer(scripted, talk):
    scripted.answer = lambda message: (
        (200, "application/json", result(message["id"], {"tools": []}))
        if message["method"] == "tools/list"
        else (400, "application/json", failure(message["id"], -32020))
    )
    assert talk.ask("tools/call", name="look")["error"]["code"] == -32020


def test_an_older_client_names_the_revision_only_once_it_was_agreed_on(scripted, talk):
    scripted.answer = lambda message: (
        200, "application/json", result(message["id"], {"protocolVersion": "2025-11-25"}),
    )  # fmt: skip
    for method in ("initialize", "tools/list", "initialize"):
        talk.say({"jsonrpc": "2.0", "id": 1, "method": method, "params": {}})
        talk.heard()
    versions = [scripted.headers(number).get("mcp-protocol-version") for number in range(3)]
    assert versions == [None, "2025-11-25", None]
    assert "mcp-method" not in scripted.headers(1)


def test_a_slow_call_keeps_no_other_one_waiting(scripted, talk):
    go_on = threading.Event()

    def answer(message):
        if message["id"] == "slow":
            assert go_on.wait(20)
        return 200, "application/json", result(message["id"], {})

    scripted.answer = answer
    talk.say(request("tools/call", "slow", name="a"))
    assert talk.ask("tools/call", "quick", name="b")["id"] == "quick"
    go_on.set()
    assert talk.heard()["id"] == "slow"


def test_a_cancelled_request_is_closed_and_never_answered(scripted, talk):
    scripted.answer = lambda message: (
        None if message["id"] == 1 else (200, "application/json", result(message["id"], {}))
    )
    talk.say(request("tools/call", 1, name="a"))
    talk.ask("tools/list", 2)
    wait_until(lambda: len(scripted.seen) == 2)
    talk.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
    assert scripted.gone.get(timeout=20) == 1
    assert talk.ask("tools/list", 3)["id"] == 3
    assert talk.end() == []
    assert "notifications/cancelled" not in scripted.methods()


def test_a_stream_of_events_is_passed_on_as_it_comes(scripted, talk):
    progress = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}
    go_on = threading.Event()

    def pieces():
        yield from events(progress)
        assert go_on.wait(20)
        yield from events(json.loads(result(1, {"text": "é\u2028"})))

    scripted.answer = lambda _: (200, "text/event-stream; charset=utf-8", pieces())
    assert talk.ask("tools/call", name="a") == progress
    go_on.set()
    assert talk.heard()["result"] == {"text": "é\u2028"}


def test_what_needs_no_answer_gets_none(scripted, talk):
    scripted.answer = lambda message: (202, "application/json", b"")
    talk.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
    talk.say({"jsonrpc": "2.0", "id": 7, "result": {}})
    assert talk.end() == []


def test_an_answer_of_several_lines_and_many_bytes_is_one_line(scripted, talk):
    long = {"jsonrpc": "2.0", "id": 1, "result": {"text": "a\n" * 400_000}}
    scripted.answer = lambda _: (200, "application/json", json.dumps(long, indent=1).encode())
    assert talk.ask("tools/call", name="a") == long


OURS = json.dumps(
    {
        "error": {"code": "key_invalid", "message": "A valid API key is needed."},
        "detail": "Send it as a header.",
    }
).encode()


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        (
            (401, "application/json", OURS),
            "key_invalid",
            "another key, such as with `moorage mcp install --key NAME`",
        ),
        ((404, "text/html", b"<p>none"), None, "`moorage status` shows yours"),
        ((200, "text/html", b"<p>hello"), "not_mcp", "not an answer of MCP"),
        ((200, "application/json", b'{"ok": true}'), "not_mcp", "not an answer of MCP"),
        ((200, "application/json", result(99, {})), "not_mcp", "not an answer of MCP"),
        ((202, "application/json", b""), "not_mcp", "not an answer of MCP"),
        ((200, "text/event-stream", events()), "not_mcp", "broke its answer off"),
        ((200, "text/event-stream", [b"data: {\n\n"]), "not_mcp", "not JSON"),
    ],
)
def test_an_answer_that_is_none_becomes_an_error_that_helps(scripted, talk, answer, code, told):
    scripted.answer = lambda _: answer
    error = talk.ask("tools/list", 5)["error"]
    assert error["code"] == -32000
    assert error["data"].get("code") == code
    assert told in error["message"]


def test_an_error_of_the_protocol_is_passed_on_also_without_an_id(scripted, talk):
    scripted.answer = lambda _: (400, "application/json", failure(None, -32022, "Unsupported"))
    assert talk.ask("server/discover", "d") == {
        "jsonrpc": "2.0", "id": "d", "error": {"code": -32022, "message": "Unsupported"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "code", "message_id"),
    [
        (b"nonsense\n", -32700, None),
        (b"[" * 100_000 + b"\n", -32700, None),
        (b'"\xff"\n', -32700, None),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]\n', -32600, None),
        (b'{"id": 1, "method": "ping"}\n', -32600, None),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 2}\n', -32600, None),
        (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}\n', -32600, None),
    ],
)
def test_a_line_that_is_no_message_is_refused_and_the_next_one_counts(scripted, talk, line, code, message_id):
    talk.say(line)
    refused = talk.heard()
    assert (refused["error"]["code"], refused["id"]) == (code, message_id)
    talk.say(b"\n")
    assert talk.ask("ping", 2)["id"] == 2


def test_without_a_server_each_request_is_told_how_to_start_one():
    talk = Talk(lambda: Moorage("mk_test", "http://127.0.0.1:9"))
    error = talk.ask("server/discover")["error"]
    assert error["data"]["code"] == "unreachable"
    assert error["message"] == (
        "Nothing listens at http://127.0.0.1:9. Start the server with `moorage up`, or set MOORAGE_URL."
    )
    assert talk.end() == []


def test_a_server_that_moved_is_looked_up_again(scripted):
    urls = ["http://127.0.0.1:9", scripted.url]
    talk = Talk(lambda: Moorage("mk_test", urls.pop(0)))
    assert talk.ask("ping")["result"] == {}
    assert talk.end() == []


def test_a_key_that_was_stored_anew_is_used_after_the_old_one_was_refused(scripted):
    keys = ["mk_old", "mk_new"]
    talk = Talk(lambda: Moorage(keys.pop(0), scripted.url))
    scripted.answer = lambda _: (401, "application/json", OURS)
    assert talk.ask("ping")["error"]["data"]["status"] == 401
    scripted.answer = lambda message: (200, "application/json", result(message["id"], {}))
    assert talk.ask("ping")["result"] == {} and scripted.headers()["authorization"] == "Bearer mk_new"
    assert talk.end() == []


def test_without_a_key_each_request_is_told_how_to_get_one():
    def connect():
        raise Misconfigured("There is no API key: set MOORAGE_API_KEY")

    talk = Talk(connect)
    assert talk.ask("tools/list")["error"]["message"] == "There is no API key: set MOORAGE_API_KEY."
    assert talk.end() == []


def test_the_end_of_the_input_ends_calls_that_hang(scripted, talk, monkeypatch):
    monkeypatch.setattr(proxy, "_GRACE", 0.01)
    scripted.answer = lambda _: None
    talk.say(request("tools/call", 4, name="a"))
    wait_until(lambda: scripted.seen)
    assert talk.end() == []
    assert scripted.gone.get(timeout=20) == 4
