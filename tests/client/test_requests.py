import json
from itertools import islice

import pytest

from moorage.client import ApiError

CALL = {"request_id": "r1", "number": 7, "status": 404}


def test_list_asks_for_each_page_when_it_is_needed(server, moorage):
    server.answers(200, {"requests": [CALL], "next_cursor": "7", "notices": []})
    calls = moorage.requests.list("status:>=400", limit=1)
    assert list(islice(calls, 1)) == [CALL]
    assert [seen.target for seen in server.seen] == ["/requests?q=status%3A%3E%3D400&limit=1"]
    server.answers(200, {"requests": [], "next_cursor": None, "notices": []})
    assert list(calls) == []
    assert server.seen[-1].target == "/requests?q=status%3A%3E%3D400&limit=1&cursor=7"


def test_get_gives_one_call(server, moorage):
    server.answers(200, {"request": CALL})
    assert moorage.requests.get("a/b") == CALL
    assert server.seen[0].target == "/requests/a%2Fb"


def event(number):
    return f"id: {number}\nevent: request\ndata: {json.dumps(CALL | {'number': number})}\n\n".encode()


def test_tail_connects_again_and_goes_on_where_it_was(server, moorage, monkeypatch):
    monkeypatch.setattr("moorage.client.requests._PAUSE", 0)
    server.answers(200, None)
    server.reply.body = b": hello\n\n" + event(7) + event(8)
    calls = moorage.requests.tail("status:404")
    assert [call["number"] for call in islice(calls, 2)] == [7, 8]
    server.reply.body = event(9) + b"id: 10\nda"
    assert next(calls)["number"] == 9
    server.reply.body = b"event: end\ndata: {}\n\n"
    assert list(calls) == []
    assert [seen.headers.get("last-event-id") for seen in server.seen] == [None, "8", "9"]


def test_tail_says_why_it_may_not(server, moorage):
    server.answers(403, {"error": {"code": "scope_missing", "message": "no"}})
    with pytest.raises(ApiError) as caught:
        next(moorage.requests.tail())
    assert caught.value.code == "scope_missing"
