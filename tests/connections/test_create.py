import json
import uuid

import pytest

from tests.control import GATEWAY
from tests.control_database import on_both as database_settings  # noqa: F401


def test_the_answer_is_a_pending_connection(owner):
    answer = owner.call("POST", "/connections", {"app": "zoho-crm"})
    assert (answer.status, answer.json.keys()) == (200, {"connection"})
    connection = answer.json["connection"]
    assert uuid.UUID(connection["connection_id"]).version == 4
    assert connection.pop("url").startswith(f"{GATEWAY}/connect/?session_token=")
    assert connection == {
        "connection_id": connection["connection_id"],
        "id": connection["connection_id"],
        "status": "PENDING",
        "creation_time": "2026-02-07T09:10:56.048460Z",
        "last_updated_time": "2026-02-07T09:10:56.048460Z",
        "app": "zoho-crm",
        "method": "OAUTH2",
        "environment": None,
        "default": False,
        "alias": None,
        "tags": [],
        "end_user": None,
        "return_url": None,
        "health": {
            "status": "pending",
            "reason": "Nobody has connected it yet.",
            "since": "2026-02-07T09:10:56.048460Z",
            "next": "Open its url in a browser, and sign in.",
        },
        "metadata": {},
    }


@pytest.mark.parametrize("more", [{"method": "OAUTH2"}, {"method": None}])
def test_what_matons_client_sends_besides_is_known(owner, more):
    answer = owner.call("POST", "/connections", {"app": "zoho-crm", **more})
    assert answer.json["connection"]["method"] == "OAUTH2"


@pytest.mark.parametrize(
    ("more", "meant"), [({"Method": "OAUTH2"}, "method"), ({"apps": []}, "app"), ({"name": "x"}, None)]
)
def test_a_key_that_nobody_knows_is_named_with_the_one_that_was_meant(owner, more, meant):
    answer = owner.call("POST", "/connections", {"app": "zoho-crm", **more})
    assert (answer.status, answer.code) == (400, "body_invalid")
    assert repr(next(iter(more))) in answer.json["message"]
    assert (f"Did you mean {meant}?" in answer.json["message"]) == (meant is not None)
    assert "app" in answer.json["detail"] and owner.get("/connections").json == {"connections": []}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "body_invalid"),
        (b"{", "body_invalid"),
        (b"app=zoho-crm", "body_invalid"),
        (b'{"app":"zoho-crm"} x', "body_invalid"),
        (b'{"app":NaN}', "body_invalid"),
        (b'{"app":"\\ud800"}', "body_invalid"),
        (b'{"app":"\xff"}', "body_invalid"),
        (b"\xef\xbb\xbf{}", "body_invalid"),
        (b"[]", "body_invalid"),
        (b'[{"app":"zoho-crm"}]', "body_invalid"),
        (b"null", "body_invalid"),
        (b'"zoho-crm"', "body_invalid"),
        (b"{}", "body_invalid"),
        (b'{"App":"zoho-crm"}', "body_invalid"),
        (b'{"app":null}', "body_invalid"),
        (b'{"app":7}', "body_invalid"),
        (b'{"app":["zoho-crm"]}', "body_invalid"),
        (b'{"app":""}', "app_unsupported"),
        (b'{"app":"zoho"}', "app_unsupported"),
        (b'{"app":"zoho-crm "}', "app_unsupported"),
        (b'{"app":"\\u0000"}', "app_unsupported"),
        (b'{"app":"zoho-crm","method":"API_KEY"}', "body_invalid"),
        (b'{"app":"zoho-crm","method":""}', "body_invalid"),
        (b'{"app":"zoho-crm","method":0}', "body_invalid"),
        (b'{"app":"zoho-crm","method":false}', "body_invalid"),
        (b'{"app":"zoho-crm","method":{}}', "body_invalid"),
        (b'{"app":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "body_invalid"),
        (b'{"app":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}", "body_invalid"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_a_body_that_can_not_be_is_refused_and_nothing_is_made(control, owner, body, code):
    answer = control.call("POST", "/connections", key=owner.key, body=body)
    assert (answer.status, answer.code) == (400, code)
    assert owner.get("/connections").json == {"connections": []}


def test_a_huge_body_is_refused_by_its_size(control, owner):
    body = json.dumps({"app": "x" * 1024 * 1024}).encode()
    answer = control.call("POST", "/connections", key=owner.key, body=body)
    assert (answer.status, answer.code) == (413, "body_too_large")


def test_the_app_that_is_unknown_is_named_and_so_are_those_known(owner):
    answer = owner.call("POST", "/connections", {"app": "zoho"})
    assert "'zoho'" in answer.json["message"] and "zoho-crm" in answer.json["detail"]


def test_it_is_its_makers_alone(owner, stranger):
    connection = owner.connect()
    assert stranger.get("/connections").json == {"connections": []}
    assert owner.get("/connections").json["connections"][0]["connection_id"] == connection["connection_id"]


@pytest.mark.parametrize("text", ["nul \0 here", "half \ud800 of a pair"])
def test_text_that_a_database_may_not_take_makes_no_error_of_ours(owner, text):
    created = owner.call("POST", "/connections", {"app": "zoho-crm", "metadata": {"note": text}})
    assert created.status < 500
    assert owner.call("POST", "/connections", {"app": text}).status < 500
    named = owner.call("POST", "/keys", {"name": text})
    assert named.status < 500
    for target in ("/connections?app=a%00b", "/connections/a%00b", "/connections?limit=1&cursor=%00"):
        assert owner.get(target).status in {200, 400, 404}, target
    assert owner.call("DELETE", "/keys/a%00b").status == 404
    assert owner.call("PUT", "/default-connections/zoho-crm", {"connection_id": text}).status < 500
