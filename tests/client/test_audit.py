from datetime import UTC, datetime

ENTRY = {"number": 1, "action": "key.created"}


def test_list_sends_what_was_asked_for(server, moorage):
    server.answers(200, {"entries": [ENTRY], "next_cursor": None, "head": None})
    since = datetime(2026, 11, 30, tzinfo=UTC)
    assert moorage.audit.list(actor="ci", action="key", since=since, until="1h", limit=5) == [ENTRY]
    assert server.seen[0].target == (
        "/audit?actor=ci&action=key&since=2026-11-30T00%3A00%3A00%2B00%3A00&until=1h&limit=5"
    )


def test_every_entry_comes_oldest_first_over_all_pages(server, moorage):
    server.answers(200, {"entries": [ENTRY], "next_cursor": "2", "head": None})
    entries = moorage.audit.every()
    assert next(entries) == ENTRY
    server.answers(200, {"entries": [{"number": 2}], "next_cursor": None, "head": None})
    assert list(entries) == [{"number": 2}]
    assert [request.target for request in server.seen] == [
        "/audit?order=oldest&limit=1000&cursor=1",
        "/audit?order=oldest&limit=1000&cursor=2",
    ]
