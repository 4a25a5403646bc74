"""`moorage requests`, against a server that answers what it was told."""

import json

CALL = {
    "request_id": "r1", "number": 7, "at": "2026-11-30T03:36:20.354289Z", "key": {"id": "key_1", "name": "ci"},
    "connection": {"id": "c", "alias": None}, "method": "GET", "path": "/crm/v8/Leads", "query": "page=1",
    "status": None, "duration_ms": 1.26,
}  # fmt: skip
CELLS = ["2026-11-30 03:36:20", "-", "1.3", "ci", "c", "GET", "/crm/v8/Leads?page=1", "r1"]


def test_list_joins_its_words_and_prints_a_table(server, moorage):
    server.answers(200, {"requests": [CALL] * 2, "next_cursor": "7", "notices": []})
    outcome = moorage("requests", "list", "status:>=400 -key:ci", "leads", "--limit", 3)
    [header, *rows] = outcome.out.splitlines()
    assert header.split()[:3] == ["AT", "STATUS", "MS"] and len(rows) == 3
    assert [cell.strip() for cell in rows[0].split("  ") if cell] == CELLS
    assert server.seen[0].target == "/requests?q=status%3A%3E%3D400%20-key%3Aci%20leads&limit=3"
    assert moorage("requests", "list", "--limit", 1, "--json").json == {"requests": [CALL]}


def test_show_prints_what_there_is_of_one_call(server, moorage):
    server.answers(200, {"request": CALL})
    assert "status" not in (shown := moorage("requests", "show", "r1").out)
    assert ["key", "ci"] in [line.split() for line in shown.splitlines()]
    assert moorage("requests", "show", "r1", "--json").json == {"request": CALL}
    server.answers(404, {"error": {"code": "request_unknown", "message": "no"}})
    assert moorage("requests", "show", "r2").status == 5


def test_show_prints_bodies_if_it_is_asked_for_them(server, moorage):
    body = {"type": "application/json", "bytes": 7, "text": '{"a":1}', "why": None}
    kept = {"request": body, "answer": body | {"text": None, "why": "compressed"}}
    server.answers(200, {"request": CALL | {"bodies": kept}})
    shown = moorage("requests", "show", "r1", "--bodies").out
    assert server.seen[-1].target == "/requests/r1?bodies=true"
    assert shown.endswith(
        '\nrequest body (application/json, 7 bytes)\n{"a":1}\n'
        "\nanswer body (application/json, 7 bytes, compressed)\n"
    )
    assert moorage("requests", "show", "r1", "--bodies", "--json").json["request"]["bodies"] == kept
    server.answers(200, {"request": CALL | {"bodies": None}})
    assert moorage("requests", "show", "r1", "--bodies").out.endswith("No bodies are kept of this call.\n")


def test_tail_prints_a_line_for_each_call_until_its_key_ends(server, moorage):
    server.answers(200, f"event: request\ndata: {json.dumps(CALL)}\n\nevent: end\ndata: {{}}\n\n".encode())
    assert moorage("requests", "tail", "leads").out.splitlines() == ["  ".join(CELLS)]
    assert moorage("requests", "tail", "--json").json == CALL
    assert server.seen[0].target == "/requests/tail?q=leads"
