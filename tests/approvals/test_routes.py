"""Who sees held calls over HTTP, who decides on them, and what their pages show."""

import dataclasses

import pytest

from moorage.approvals.model import Answer, HeldCall
from moorage.crm import Trial, TriedRecord
from moorage.people.rights import caller
from tests.approvals.conftest import asked
from tests.audit.entries import entries_of
from tests.control import control, owner, stranger  # noqa: F401 (fixtures)
from tests.control_database import (  # noqa: F401 (fixtures)
    control_in_postgresql,
    database_settings,
    shared_control_database,
)
from tests.people.browser import Browser
from tests.people.conftest import ada, browser, quick_hashes  # noqa: F401 (fixtures)

EVIL = "<script>alert(1)</script>"
CALL = HeldCall("PUT", b"/crm/v8/Leads/1?trigger=x", [], b'{"data":[{"City":"York","Note":"<b>bold</b>"}]}')


class Calls:
    """Plays the gateway."""

    def __init__(self):
        self.sent = []
        record = TriedRecord("Leads", "1", EVIL, {"City": "Leeds"}, {"City": f"York {EVIL}"})
        self.trial = Trial(200, b"", [record], 2)
        headers = [(b"Content-Type", b"application/json"), (b"X-App", b"1")]
        self.answer = Answer(404, headers, b'{"code":"X"}')

    async def prepare(self, approval, call):
        async def ready():
            self.sent.append(call.body)
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return ready

    async def try_out(self, approval, call):
        return self.trial


class Place:
    """An account whose key has a call that waits."""

    def __init__(self, control, owner):  # noqa: F811
        self.control, self.owner = control, owner
        self.calls = control.rooms.own_calls = Calls()
        self.key = owner.call("GET", "/keys").json["keys"][0]["id"]
        self.id = self.hold().id

    def hold(self, call=CALL, key=None, **changes):
        values = {
            "account_id": self.owner.account,
            "key_id": key or self.key,
            "environment": "embedded",
            **changes,
        }
        return self.control.run(self.control.rooms.approvals.meet(asked(**values), call))

    def key_with(self, *scopes):
        made = self.owner.call("POST", "/keys", {"name": "other", "scopes": list(scopes)}).json
        return made["key"]["id"], made["secret"]

    def send(self):
        self.control.run(self.control.rooms.sending.send(self.id))

    def shown(self, caller=None):
        return (caller or self.owner).get(f"/approvals/{self.id}").json["approval"]


@pytest.fixture
def place(control, owner):  # noqa: F811
    return Place(control, owner)


@pytest.fixture
def support(control, owner, ada):  # noqa: F811
    """The browser of a person who may help, and see no values."""
    person, token = control.run(
        control.rooms.people.invite(owner.account, "sue@example.com", "Sue", "support")
    )
    other = Browser(control, "192.0.2.9")
    other.join(token, name="Sue", email=person.email)
    return other


def test_a_key_sees_its_own_calls_and_with_the_scope_all_of_its_account(place, stranger):  # noqa: F811
    own_id, own = place.key_with("proxy")
    _, reading = place.key_with("approvals:read")
    other = place.hold(key=own_id)

    def seen(key):
        return {each["id"] for each in place.control.call("GET", "/approvals", key=key).json["approvals"]}

    assert seen(own) == {other.id}
    assert seen(reading) == {place.id, other.id}
    assert seen(stranger.key) == set()
    for path in ("", "/answer", "/cancel"):
        method = "POST" if path == "/cancel" else "GET"
        for key in (own, stranger.key):
            answer = place.control.call(method, f"/approvals/{place.id}{path}", key=key)
            absent = place.control.call(method, f"/approvals/absent{path}", key=key)
            assert (answer.status, answer.code) == (404, "approval_unknown")
            assert answer.text.replace(place.id, "absent") == absent.text
    refused = place.control.call("POST", f"/approvals/{place.id}/cancel", key=reading)
    assert refused.status == 404, "to see a call is not to own it"


def test_a_call_is_shown_to_programs(place):
    shown = place.shown()
    assert shown["state"] == "waiting"
    assert shown["link"] == f"http://gateway.test/approvals/{place.id}"
    assert shown["path"] == "/crm/v8/Leads/1"
    assert shown["sha256"] == CALL.digest("c1").hex()
    assert "York" not in str(shown)
    listed = place.owner.get("/approvals?state=waiting").json
    assert [each["id"] for each in listed["approvals"]] == [place.id]
    wrong = place.owner.get("/approvals?state=absent")
    assert (wrong.status, "waiting" in wrong.text) == (400, True)


def test_its_caller_can_cancel_it(place):
    waiting = place.owner.get(f"/approvals/{place.id}/answer")
    assert (waiting.status, waiting.code, waiting.headers["retry-after"]) == (409, "approval_waiting", "2")
    cancelled = place.owner.call("POST", f"/approvals/{place.id}/cancel")
    assert cancelled.json["approval"]["state"] == "cancelled"
    again = place.owner.call("POST", f"/approvals/{place.id}/cancel")
    assert (again.status, again.code) == (409, "approval_decided")
    gone = place.owner.get(f"/approvals/{place.id}/answer")
    assert (gone.status, gone.code) == (410, "approval_answer_gone")
    assert entries_of(place.control)[-1]["action"] == "approval.cancelled"


def test_a_person_approves_and_the_caller_gets_the_apps_answer(place, browser, ada):  # noqa: F811
    page = browser.open(f"/approvals/{place.id}")
    assert page.status == 200
    assert browser.at == f"/console/approvals/{place.id}"
    decided = browser.send(f"/console/approvals/{place.id}/approve", **{"for": "once"})
    assert browser.at.startswith(f"/console/approvals/{place.id}?note=You+approved")
    assert "is approved" in decided.text
    assert 'http-equiv="refresh"' in decided.text
    place.send()
    assert "status 404" in browser.open(f"/approvals/{place.id}").text
    assert 'http-equiv="refresh"' not in browser.page.text
    answer = place.owner.get(f"/approvals/{place.id}/answer")
    assert (answer.status, answer.body, answer.headers["x-app"]) == (404, b'{"code":"X"}', "1")
    assert answer.headers["moorage-error-source"] == "upstream"
    assert place.calls.sent == [CALL.body]
    shown = place.shown()
    assert (shown["state"], shown["decided_by"], shown["answer"]["status"]) == ("sent", "Ada", 404)
    approved, sent = entries_of(place.control)[-2:]
    assert (approved["action"], approved["actor"]["kind"], approved["actor"]["id"]) == (
        "approval.approved",
        "person",
        ada.id,
    )
    assert (sent["action"], sent["actor"]["kind"]) == ("approval.sent", "server")


def test_an_answer_without_a_body_says_no_length(place, browser, ada):  # noqa: F811
    place.calls.answer = Answer(204, [], b"")
    browser.open(f"/approvals/{place.id}")
    browser.send(f"/console/approvals/{place.id}/approve", **{"for": "once"})
    place.send()
    answer = place.owner.get(f"/approvals/{place.id}/answer")
    assert (answer.status, answer.body, "content-length" in answer.headers) == (204, b"", False)


def test_a_person_declines_with_a_reason(place, browser, ada):  # noqa: F811
    browser.open(f"/approvals/{place.id}")
    browser.send(f"/console/approvals/{place.id}/decline", reason=f"  Not {EVIL} today. ")
    assert EVIL not in browser.page.text
    shown = place.shown()
    assert (shown["state"], shown["note"]) == ("declined", f"Not {EVIL} today.")
    assert "Approve once" not in browser.page.text
    long = place.hold(HeldCall("PUT", b"/x", [], b"2"))
    browser.open(f"/approvals/{long.id}")
    refused = browser.send(f"/console/approvals/{long.id}/decline", reason="x" * 501)
    assert (refused.status, "up to 500" in refused.text, "x" * 501 in refused.text) == (400, True, True)
    assert place.calls.sent == []


def test_an_hour_is_shown_and_can_be_ended(place, browser, ada):  # noqa: F811
    browser.open(f"/approvals/{place.id}")
    browser.send(f"/console/approvals/{place.id}/approve", **{"for": "hour"})
    page = browser.open("/approvals")
    [grant] = place.owner.get("/approvals").json["grants"]
    assert grant["operation"] == {"name": "Delete records", "module": "Leads"}
    assert f"approvals/grants/{grant['id']}/end" in page.text
    browser.send(f"/console/approvals/grants/{grant['id']}/end")
    assert browser.at.startswith("/console/approvals?note=")
    assert place.owner.get("/approvals").json["grants"] == []
    assert entries_of(place.control)[-1]["action"] == "approval.grant_ended"


def test_no_api_key_decides_or_sees_values(place, browser, ada, stranger):  # noqa: F811
    browser.open(f"/approvals/{place.id}")
    cookie = [("Cookie", browser.cookie)]
    for key, told in (
        (place.owner.key, "person_needed"),
        (stranger.key, "person_needed"),
        ("invented", "key_invalid"),
    ):
        for path in (f"{place.id}/approve", f"{place.id}/decline", "grants/x/end", f"{place.id}/contents"):
            method = "GET" if path.endswith("contents") else "POST"
            answer = place.control.call(method, f"/approvals/{path}", key=key, headers=cookie)
            assert answer.code == told, path
    assert place.shown()["state"] == "waiting"


def test_nobody_decides_without_a_session_or_with_a_form_of_another_site(place, browser, ada):  # noqa: F811
    nobody = Browser(place.control, "192.0.2.7")
    for path in ("/approvals", f"/approvals/{place.id}"):
        assert nobody.open(path).status == 200
        assert nobody.at.startswith("/sign-in?next=/console/approvals")
    sent = [("Content-Type", "application/x-www-form-urlencoded"), ("Host", "gateway.test")]
    for path in (f"{place.id}/approve", f"{place.id}/decline", "grants/x/end"):
        # The API itself knows no cookie.
        cookie = [("Cookie", browser.cookie), *sent]
        assert (
            place.control.call("POST", f"/approvals/{path}", body=b"for=once", headers=cookie).status == 401
        )
        page = f"/console/approvals/{path}"
        unknown = place.control.call("POST", page, body=b"for=once", headers=sent)
        assert (unknown.status, "sign-in" in unknown.headers["location"]) == (303, True)
        for headers in ([("Sec-Fetch-Site", "cross-site")], []):
            forged = place.control.call("POST", page, body=b"for=once", headers=[*cookie, *headers])
            assert (forged.status, "form_refused" in forged.text) == (403, True)
    assert place.shown()["state"] == "waiting"


def test_a_second_click_and_a_late_one_say_what_was_decided(place, browser, ada):  # noqa: F811
    browser.open(f"/approvals/{place.id}")
    form = browser.fields()
    browser.send(f"/console/approvals/{place.id}/approve", **form)
    again = browser.send(f"/console/approvals/{place.id}/decline", **form)
    assert (again.status, "had been decided before" in again.text, "is approved" in again.text) == (
        200,
        True,
        True,
    )
    late = place.hold(HeldCall("PUT", b"/x", [], b"2"))
    browser.open(f"/approvals/{late.id}")
    place.control.clock.advance(901)
    answer = browser.send(f"/console/approvals/{late.id}/approve", **form)
    assert "declined, as nobody decided in time" in answer.text
    assert place.calls.sent == []


def test_a_page_shows_what_would_change_and_runs_nothing(place, browser, ada):  # noqa: F811
    text = browser.open(f"/approvals/{place.id}").text
    assert "<script>" not in text
    assert "<b>bold" not in text
    for words in (
        "Delete records in Leads",
        "an agent",
        "Leeds",
        "York &lt;script&gt;",
        "trigger=x",
        "2 more records",
    ):
        assert words in text, words
    place.calls.trial = None
    assert "Leeds" in browser.open(f"/approvals/{place.id}").text, "a diff is kept for a minute"
    place.control.clock.advance(61)
    assert "too long" in browser.open(f"/approvals/{place.id}").text


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(404, [], b""), "UTC, and the app answered with status 404."),
        (ConnectionError(), "The same call may have reached the app at"),
    ],
)
def test_who_decides_is_told_that_the_same_call_was_made_before(place, browser, ada, answer, words):  # noqa: F811
    assert "The same call" not in browser.open(f"/approvals/{place.id}").text
    place.calls.answer = answer
    browser.send(f"/console/approvals/{place.id}/approve", **{"for": "once"})
    place.send()
    place.owner.get(f"/approvals/{place.id}/answer")  # Then the program makes it again.
    again = place.hold().id
    assert again != place.id
    assert words in browser.open(f"/approvals/{again}").text
    other = place.hold(dataclasses.replace(CALL, body=b"other")).id
    assert "The same call" not in browser.open(f"/approvals/{other}").text


def test_support_sees_no_values_and_decides_nothing(place, support):
    for twin in ("", "?format=json"):
        text = support.open(f"/console/approvals/{place.id}{twin}").text
        assert "Delete records in Leads" in text
        for hidden in ("Leeds", "York", "bold", "trigger", "Approve once"):
            assert hidden not in text, hidden
    assert place.id in support.open("/approvals").text
    for path in (f"{place.id}/approve", f"{place.id}/decline", "grants/x/end"):
        support.open("/me")
        answer = support.send(f"/console/approvals/{path}")
        assert (answer.status, "approvals:decide" in answer.text) == (403, True)
    assert place.shown()["state"] == "waiting"
    # Nor would the API itself tell, if a page asked it.
    [sue] = [
        one
        for one in place.control.run(place.control.rooms.people.list(place.owner.account))
        if one.name == "Sue"
    ]
    inside = [("Authorization", place.control.rooms.keys.inside(caller(sue)))]
    told = place.control.call("GET", f"/approvals/{place.id}/contents", headers=inside)
    assert (told.status, told.code) == (403, "permission_missing")


def test_another_accounts_call_looks_absent_to_a_person(place, browser, ada, stranger):  # noqa: F811
    theirs = place.hold(account_id=stranger.account, key="theirs")
    pages = (f"/console/approvals/{name}?format=json" for name in (theirs.id, "absent"))
    shown, absent = map(browser.open, pages)
    assert (shown.status, absent.status) == (404, 404)
    assert shown.text.replace(theirs.id, "absent") == absent.text
    assert theirs.id not in browser.open("/approvals").text
    browser.open("/me")
    assert browser.send(f"/console/approvals/{theirs.id}/approve").status == 404


def test_hostile_ids_are_only_absent(place, browser, ada):  # noqa: F811
    for path in ("a%00b", "%ed%a0%80", "x" * 900, "%2e%2e", "🙂".encode().hex()):
        for answer in (place.owner.get(f"/approvals/{path}"), browser.open(f"/approvals/{path}")):
            assert answer.status in {400, 404}, path
