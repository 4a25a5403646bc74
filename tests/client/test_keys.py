import json
from datetime import UTC, datetime

import pytest

from moorage.client import ApiError

KEY = {"id": "key_1", "name": "ci", "scopes": ["proxy"]}


def test_list_gives_the_keys(server, moorage):
    server.answers(200, {"keys": [KEY]})
    assert moorage.keys.list() == [KEY]
    assert (server.seen[0].method, server.seen[0].target) == ("GET", "/keys")


def test_create_sends_what_was_chosen_and_gives_the_secret(server, moorage):
    server.answers(200, {"key": KEY, "secret": "mk_s"})
    until = datetime(2027, 1, 1, tzinfo=UTC)
    key = moorage.keys.create("ci", scopes=("proxy:zoho-crm:read",), mode="test", expires_at=until)
    assert key == (KEY, "mk_s")
    assert (server.seen[0].method, server.seen[0].target) == ("POST", "/keys")
    assert json.loads(server.seen[0].body) == {
        "name": "ci",
        "scopes": ["proxy:zoho-crm:read"],
        "mode": "test",
        "expires_at": "2027-01-01T00:00:00+00:00",
    }


def test_create_leaves_out_what_was_not_chosen(server, moorage):
    server.answers(200, {"key": KEY, "secret": "mk_s"})
    moorage.keys.create("ci")
    assert json.loads(server.seen[0].body) == {"name": "ci"}


def test_rotate_names_the_overlap_if_one_was_chosen(server, moorage):
    server.answers(200, {"key": KEY, "secret": "mk_s"})
    assert moorage.keys.rotate("a/b", overlap_seconds=0) == (KEY, "mk_s")
    moorage.keys.rotate("key_1")
    assert [(request.method, request.target, json.loads(request.body)) for request in server.seen] == [
        ("POST", "/keys/a%2Fb/rotate", {"overlap_seconds": 0}),
        ("POST", "/keys/key_1/rotate", {}),
    ]


def test_revoke_gives_the_key_as_it_is_then(server, moorage):
    server.answers(200, {"key": KEY})
    assert moorage.keys.revoke("key_1") == KEY
    assert (server.seen[0].method, server.seen[0].target) == ("DELETE", "/keys/key_1")


def test_a_scope_that_is_missing_is_an_error_with_its_code(server, moorage):
    server.answers(403, {"message": "no", "error": {"code": "scope_missing", "message": "no"}})
    with pytest.raises(ApiError) as caught:
        moorage.keys.list()
    assert caught.value.code == "scope_missing"
