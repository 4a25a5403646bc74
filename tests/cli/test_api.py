import io
import json
import sys

import pytest

from moorage.cli.program import run


def test_the_body_is_printed_as_it_came(server, moorage):
    server.answers(200, b'{"data" : [1,  2]}')
    outcome = moorage("api", "/zoho-crm/crm/v8/Leads?fields=Last_Name")
    assert (outcome.status, outcome.out, outcome.err) == (0, '{"data" : [1,  2]}', "")
    assert (server.seen[0].method, server.seen[0].target) == (
        "GET",
        "/zoho-crm/crm/v8/Leads?fields=Last_Name",
    )
    assert server.seen[0].headers["authorization"] == "Bearer mk_test"


def test_fields_become_one_document(server, moorage):
    fields = ("-f", "data[][Last_Name]=Hopper", "-f", "data[][City]=", "-f", "data[][Last_Name]=Lovelace")
    moorage("api", "zoho-crm/crm/v8/Leads", *fields, "-F", "trigger[]=workflow", "-F", "skip=true")
    assert (server.seen[0].method, server.seen[0].target) == ("POST", "/zoho-crm/crm/v8/Leads")
    assert json.loads(server.seen[0].body) == {
        "data": [{"Last_Name": "Hopper", "City": ""}, {"Last_Name": "Lovelace"}],
        "trigger": ["workflow"],
        "skip": True,
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("null", None),
        ("7", 7),
        ("-1.5", -1.5),
        ("007", "007"),
        ("1e9", "1e9"),
        ("a=b", "a=b"),
        ("", ""),
        ("3652397000000649013", 3652397000000649013),
    ],
)
def test_typed_fields(server, moorage, text, value):
    moorage("api", "/x", "-F", f"a={text}")
    assert json.loads(server.seen[0].body) == {"a": value}


def test_raw_fields_stay_text(server, moorage):
    moorage("api", "/x", "-f", "a=true", "-f", "b=@nothing")
    assert json.loads(server.seen[0].body) == {"a": "true", "b": "@nothing"}


def test_a_field_may_come_from_a_file_or_standard_input(server, moorage, tmp_path, monkeypatch):
    (tmp_path / "note").write_text("Æ\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"piped")))
    moorage("api", "/x", "-F", f"a=@{tmp_path}/note", "-F", "b=@-")
    assert json.loads(server.seen[0].body) == {"a": "Æ\n", "b": "piped"}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_fields_of_a_get_are_parameters(server, moorage, method):
    moorage("api", "-X", method, "/x?a=1", "-f", "ids=1,2", "-F", "wf=false")
    assert (server.seen[0].method, server.seen[0].target) == (method, "/x?a=1&ids=1,2&wf=false")
    assert server.seen[0].body == b""


def test_input_is_sent_byte_for_byte_and_fields_beside_it_are_parameters(server, moorage, tmp_path):
    (tmp_path / "body").write_bytes(b'{"data": []}\n')
    moorage("api", "/x", "--input", tmp_path / "body", "-f", "a=b")
    assert (server.seen[0].method, server.seen[0].target) == ("POST", "/x?a=b")
    assert server.seen[0].body == b'{"data": []}\n'
    assert server.seen[0].headers["content-type"] == "application/json"


def test_headers_and_connection_are_sent(server, moorage, tmp_path):
    (tmp_path / "body").write_bytes(b"PK")
    headers = ("-H", "content-type: application/zip", "-H", "X-Custom:a:b")
    moorage("api", "/x", "--input", tmp_path / "body", *headers, "--connection", "c1")
    sent = server.seen[0].headers
    assert (sent["content-type"], sent["x-custom"], sent["maton-connection"]) == (
        "application/zip",
        "a:b",
        "c1",
    )


def test_include_prints_status_and_headers(server, moorage):
    server.answers(201, b"{}", X_Request_Id="r1")
    head, _, body = moorage("api", "-i", "/x").out.partition("\n\n")
    assert head.startswith("HTTP/1.1 201 Created\n")
    assert "x-request-id: r1" in head
    assert body == "{}"


def test_a_failure_exits_with_1_and_prints_the_body(server, moorage):
    server.answers(404, b'{"code":"INVALID_URL_PATTERN","message":"Not here","status":"error","details":{}}')
    outcome = moorage("api", "/x")
    assert outcome.status == 1
    assert json.loads(outcome.out)["code"] == "INVALID_URL_PATTERN"
    assert outcome.err == "moorage: Not here.\n"


def test_json_holds_the_whole_answer(server, moorage):
    server.answers(400, {"message": "no"})
    outcome = moorage("api", "/x", "--json")
    assert outcome.status == 1
    assert (outcome.json["status"], outcome.json["body"]) == (400, {"message": "no"})
    assert ["content-type", "application/json"] in outcome.json["headers"]
    assert outcome.error["status"] == 400


def test_bytes_arrive_whole(server, capfdbinary):
    server.answers(200, b"PK\x00\xff")
    assert run(["api", "/x"]) == 0
    assert capfdbinary.readouterr().out == b"PK\x00\xff"


@pytest.mark.parametrize(
    "arguments",
    [
        ("-f", "novalue"),
        ("-f", "=x"),
        ("-f", "a[=1"),
        ("-f", "a=1", "-f", "a=2"),
        ("-f", "a[]=1", "-f", "a[b]=2"),
        ("-f", "a=1", "-f", "a[b]=2"),
        ("-F", "a=@/nonexistent"),
        ("--input", "/nonexistent"),
        ("-H", "nocolon"),
        ("-H", "X: a\nY: b"),
        ("-X", "NO GOOD"),
    ],
)
def test_arguments_that_can_not_be_right_exit_with_2(server, moorage, arguments):
    outcome = moorage("api", "/x", *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("moorage: ")
    assert len(outcome.err.splitlines()) == 1
    assert server.seen == []


def test_a_field_from_a_file_that_is_no_text_is_refused(server, moorage, tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    outcome = moorage("api", "/x", "-F", f"a=@{tmp_path / 'bytes'}")
    assert (outcome.status, server.seen) == (2, [])
    assert "--input" in outcome.err and len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize("answered", [401, 403, 404, 500])
def test_the_exit_status_is_the_one_that_json_tells(server, moorage, answered):
    server.answers(answered, {"message": "No.", "error": {"code": "some_code"}})
    outcome = moorage("api", "/x", "--json")
    assert outcome.status == outcome.error["exit_status"] == 1
