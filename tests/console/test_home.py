"""Home: what needs attention, and the steps that tick themselves as the first call comes in."""

import shutil

import pytest

from moorage.console.home import _seen
from tests.console.visitor import Visitor
from tests.flows.chromium import MISSING, PROGRAM, Chromium
from tests.waiting import wait_until

LEADS = "/zoho-crm/crm/v8/Leads?fields=Last_Name"


@pytest.mark.skipif(shutil.which(PROGRAM) is None, reason=MISSING)
def test_the_steps_tick_while_somebody_looks(own_server, tmp_path):
    server = own_server()
    owner = Visitor(server).join("owner")
    first = owner.open("/console")
    assert "Waiting for the first call" in first.words
    assert '<noscript><meta http-equiv="refresh"' in first.text
    assert owner.twin("/console")["seen"] is None
    chromium = Chromium(tmp_path)
    try:
        tab = chromium.tab()
        tab.open(f"{server.gateway}/healthz")
        tab.run(f"document.cookie = {owner.cookie + '; path=/'!r}")
        tab.open(f"{server.gateway}/console")
        tab.wait_for("Welcome")
        tab.run("window.kept = true")
        assert tab.run("document.querySelectorAll('.step.done').length") == 0
        assert server.call("GET", LEADS)[0] == 200
        tab.wait("document.querySelectorAll('.step.done').length == 2")
        assert tab.run("window.kept")  # The page was not loaded anew.
        assert "First call seen" in tab.text
        tab.run(f"window.process = {{env: {{MOORAGE_API_KEY: '{server.api_key}'}}}}")
        script = owner.twin("/console")["recipes"]["javascript"].replace("console.log(", "window.said = [")
        script = script.replace("text());", "text()];")
        tab.run(f"(async () => {{{script}}})()")
        tab.wait("window.said?.[0] == 200")
        assert [one for one in tab.complaints if "favicon" not in one] == []
        tab.forget_cookies()
        tab.wait("location.pathname == '/sign-in'")  # Whoever is signed out meanwhile is told so.
    finally:
        chromium.stop()


def test_tiles_say_what_happened(owner, server):
    server.call("GET", LEADS)
    server.call("GET", "/zoho-crm/crm/v8/Nothing")
    found = wait_until(lambda: _hour(owner, calls=2))
    assert found["hour"]["failed"] >= 1
    assert 0 < found["hour"]["share"] <= 100
    assert found["seen"]["call"]["key"]["id"].startswith("key_")
    assert len(found["requests"]) <= 10
    assert "calls in the last hour" in owner.open("/console").words.casefold()


def test_the_number_of_calls_is_that_of_programs(own_server):
    server = own_server()
    owner = Visitor(server).join("owner")
    [connection] = server.get("/connections")[1]["connections"]
    assert server.call("GET", LEADS)[0] == 200
    assert owner.open(f"/console/crm/{connection['connection_id']}/Leads").status == 200
    hour = wait_until(lambda: _hour_after_a_persons_call(owner))
    assert (hour["calls"], hour["q"]) == (1, "since:1h caller:key")
    assert "Programs' calls in the last hour" in owner.open("/console").words


def _hour_after_a_persons_call(owner):
    """The hour, as soon as a call of a page is in the log, and calls of programs are told apart in time."""
    found = owner.twin("/console")
    is_noted = any(call["key"]["id"].startswith("person_") for call in found["requests"])
    return found["hour"] if is_noted and "caller:key" in found["hour"]["q"] else None


def _hour(owner, calls):
    found = owner.twin("/console")
    return found if found["hour"]["calls"] >= calls and found["hour"]["failed"] else None


@pytest.mark.parametrize("role", ["owner", "operator", "approver", "support"])
def test_a_role_is_offered_what_it_may_do(join, role):
    page = join(role).open("/console")
    assert page.status == 200
    runs_it = role in {"owner", "operator"}
    assert ("Make a key" in page.words, "Three steps" in page.words or "first steps" in page.words) == (
        runs_it,
        runs_it,
    )
    assert "session_token" not in page.text


def test_a_call_of_a_person_is_no_first_call():
    calls = [{"key": {"id": "person_1"}}, {"key": {"id": "key_1"}}, {"key": {"id": "key_2"}}]
    assert _seen(calls) == {"is_first": True, "call": calls[2]}
    assert _seen(calls[:1]) is None
    assert _seen([*calls, *[{"key": {"id": "key_3"}}] * 50])["call"] == calls[1]
