"""`moorage approvals`, against a server that answers what it was told."""

HELD = {
    "id": "a1", "state": "waiting", "link": "http://gateway.test/approvals/a1", "key": {"id": "key_1", "name": "ci"},
    "connection": {"id": "c", "name": "sales-eu"}, "operation": {"name": "DELETE", "module": "Leads"},
    "words": "delete 1 record in Leads", "expires_at": "2026-11-30T03:36:20.354289Z", "note": None,
}  # fmt: skip


def test_list_prints_a_table(server, moorage):
    server.answers(200, {"approvals": [HELD], "grants": []})
    header, row = moorage("approvals", "list", "--state", "waiting").out.splitlines()
    assert header.split() == ["ID", "STATE", "UNTIL", "KEY", "WHAT"]
    cells = [cell.strip() for cell in row.split("  ") if cell]
    assert cells == ["a1", "waiting", "2026-11-30 03:36:20", "ci", "delete 1 record in Leads"]
    assert server.seen[0].target == "/approvals?state=waiting"
    assert moorage("approvals", "list", "--json").json == {"approvals": [HELD]}


def test_show_prints_what_there_is(server, moorage):
    server.answers(200, {"approval": HELD})
    lines = [line.split(maxsplit=1) for line in moorage("approvals", "show", "a1").out.splitlines()]
    assert ["link", HELD["link"]] in lines
    assert ["connection", "sales-eu"] in lines
    assert "note" not in dict(lines)
    assert moorage("approvals", "show", "a1", "--json").json == {"approval": HELD}


def test_answer_prints_the_body(server, moorage):
    server.answers(200, {"data": []})
    assert moorage("approvals", "answer", "a1", "--json").json["body"] == {"data": []}
    server.answers(409, {"message": "no", "error": {"code": "approval_waiting", "message": "It waits."}})
    assert "It waits" in moorage("approvals", "answer", "a1").err


def test_cancel_says_what_it_did(server, moorage):
    server.answers(200, {"approval": HELD | {"state": "cancelled"}})
    assert moorage("approvals", "cancel", "a1").out == "Cancelled a1 (delete 1 record in Leads)\n"
    assert (server.seen[0].method, server.seen[0].target) == ("POST", "/approvals/a1/cancel")
    server.answers(
        404,
        {
            "error": {"code": "approval_unknown", "message": "no"},
            "detail": "GET /approvals and `moorage approvals list` show the held calls of this key.",
        },
    )
    outcome = moorage("approvals", "cancel", "a2")
    assert (outcome.status, "`moorage approvals list` shows" in outcome.err) == (5, True)
