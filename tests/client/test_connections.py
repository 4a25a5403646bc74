import json

import pytest

from moorage.client import ApiError

CONNECTION = {"connection_id": "c 1", "status": "ACTIVE", "app": "zoho-crm", "metadata": {}}


def test_list_asks_for_what_was_wanted(server, moorage):
    server.answers(200, {"connections": [CONNECTION]})
    assert moorage.connections.list(app="zoho-crm", status="ACTIVE", limit=5) == [CONNECTION]
    assert server.seen[0].target == "/connections?app=zoho-crm&status=ACTIVE&limit=5"


def test_list_asks_for_all_by_default(server, moorage):
    server.answers(200, {"connections": []})
    assert moorage.connections.list() == []
    assert server.seen[0].target == "/connections"


def test_list_goes_on_to_the_end_unless_it_has_a_limit(server, moorage):
    server.answers(200, {"connections": [CONNECTION], "next_cursor": "1.a"})
    server.answers_next(200, {"connections": [CONNECTION]})
    assert moorage.connections.list(app="zoho-crm") == [CONNECTION] * 2
    assert server.seen[1].target == "/connections?app=zoho-crm&cursor=1.a"


def test_get_escapes_the_id(server, moorage):
    server.answers(200, {"connection": CONNECTION})
    assert moorage.connections.get("../c 1") == CONNECTION
    assert server.seen[0].target == "/connections/..%2Fc%201"


def test_create_names_the_app(server, moorage):
    server.answers(201, {"connection": CONNECTION})
    assert moorage.connections.create("zoho-crm") == CONNECTION
    assert (server.seen[0].method, json.loads(server.seen[0].body)) == ("POST", {"app": "zoho-crm"})


def test_delete_of_an_unknown_one_fails(server, moorage):
    server.answers(404, {"message": "gone"})
    with pytest.raises(ApiError):
        moorage.connections.delete("c1")
    assert (server.seen[0].method, server.seen[0].target) == ("DELETE", "/connections/c1")
