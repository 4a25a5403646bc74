import pytest

from moorage.client import ApiError, ApprovalRequired, NotSent, approvals

HELD = {"id": "a/1", "state": "waiting", "note": None, "words": "delete 1 record in Leads"}
REFUSED = {
    "message": "no",
    "error": {
        "code": "approval_required",
        "message": "no",
        "id": "a/1",
        "link": "https://gateway.test/approvals/a",
        "expires_at": "2026-11-30T04:00:00Z",
    },
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(approvals, "_PAUSE", 0.01)


def targets(server):
    return [(request.method, request.target) for request in server.seen]


def test_held_calls_are_listed_shown_and_cancelled(server, moorage):
    server.answers(200, {"approvals": [HELD], "grants": [], "approval": HELD})
    assert moorage.approvals.list() == moorage.approvals.list(state="waiting") == [HELD]
    assert moorage.approvals.get("a/1") == moorage.approvals.cancel("a/1") == HELD
    assert targets(server) == [
        ("GET", "/approvals"),
        ("GET", "/approvals?state=waiting"),
        ("GET", "/approvals/a%2F1"),
        ("POST", "/approvals/a%2F1/cancel"),
    ]


def test_a_call_that_waits_is_an_error_that_can_be_waited_for(server, moorage):
    server.answers(403, REFUSED)
    with pytest.raises(ApprovalRequired) as caught:
        moorage.request("DELETE", "/zoho-crm/crm/v8/Leads/1")
    held = caught.value
    assert isinstance(held, ApiError)
    assert (held.status, held.code, held.id) == (403, "approval_required", "a/1")
    assert (held.link, held.expires_at) == ("https://gateway.test/approvals/a", "2026-11-30T04:00:00Z")
    server.answers(200, {"approval": HELD | {"state": "sent"}})
    assert held.wait().json()["approval"]["state"] == "sent"  # The server gives one answer to all.
    assert targets(server)[-2:] == [("GET", "/approvals/a%2F1"), ("GET", "/approvals/a%2F1/answer")]


def test_a_wait_ends_with_what_the_person_wrote_or_with_its_time(server, moorage):
    server.answers(200, {"approval": HELD | {"state": "declined", "note": "Not today."}})
    with pytest.raises(NotSent, match=r"declined. Not today."):
        moorage.approvals.wait("a")
    server.answers(200, {"approval": HELD})
    with pytest.raises(TimeoutError):
        moorage.approvals.wait("a", timeout=0.02)


def test_a_call_that_can_not_wait_is_an_ordinary_error(server, moorage):
    error = {name: value for name, value in REFUSED["error"].items() if name in {"code", "message"}}
    server.answers(403, REFUSED | {"error": error})
    with pytest.raises(ApiError) as caught:
        moorage.request("DELETE", "/zoho-crm/crm/v8/Leads/1")
    assert not isinstance(caught.value, ApprovalRequired)
