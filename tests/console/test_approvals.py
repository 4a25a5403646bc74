"""The screen on which people decide about calls, on a whole server."""

import json
import re

import pytest

from tests.waiting import wait_until

HOSTILE = "<img src=x onerror=alert(1)> \"'`{{7*7}} \u202edlog " + "x" * 900
LEADS = "/zoho-crm/crm/v8/Leads"


@pytest.fixture
def made_key(server):
    """Makes a key with a policy; gives the headers of its calls."""

    def make(mode, name="agent"):
        key = {"name": name, "policy": {"mode": mode}, "scopes": ["connections:read", "proxy"]}
        made = json.loads(server.call("POST", "/keys", key)[2])
        sent = {"Authorization": f"Bearer {made['secret']}"}
        wait_until(lambda: server.call("GET", "/keys", None, sent)[0] == 403)
        return sent

    return make


@pytest.fixture
def held(server, made_key):
    """Lets a call of a new key wait; gives its id."""

    def hold(name="agent", city=HOSTILE):
        sent = made_key("strict", name)
        lead = {"data": [{"Last_Name": "Waits", "City": city[:100], "Description": city}]}
        return json.loads(server.call("POST", LEADS, lead, sent)[2])["error"]["id"]

    return hold


def test_a_call_is_shown_with_hostile_values_as_text_and_counted(owner, held):
    approval = held(f"agent {HOSTILE[:60]}".replace("\u202e", ""))
    page = owner.open(f"/approvals/{approval}")
    assert page.at == f"/console/approvals/{approval}"
    assert "Create 1 record in Leads" in page.words
    assert "onerror=alert(1)" in page.words
    assert "<img" not in page.text
    waiting = re.search(r'class="count">(\d+)<', page.text)[1]
    assert int(waiting) == len(owner.twin("/console/approvals")["calls"]) >= 1
    listed = owner.open("/console/approvals")
    assert "<img" not in listed.text
    assert f"console/approvals/{approval}" in listed.text


def test_the_waiting_are_listed_oldest_first_and_what_became_of_others(owner, held):
    first, second = held(city="A"), held(city="B")
    ids = [one["id"] for one in owner.twin("/console/approvals")["calls"]]
    assert ids.index(first) < ids.index(second)
    owner.open(f"/console/approvals/{first}")
    page = owner.send("/decline", reason=HOSTILE[:60].replace("\u202e", ""))
    assert "You declined this call." in page.words
    assert "You can go back to the program that asked." in page.words
    assert "<img" not in page.text
    [entry] = owner.twin(f"/console/audit?subject={first}&action=approval.declined")["entries"]
    assert (
        f'console/approvals/{first}">as it is now</a>' in owner.open(f"/console/audit/{entry['number']}").text
    )
    listed = owner.twin("/console/approvals?state=declined")
    assert first in [one["id"] for one in listed["earlier"]]
    assert {one["state"] for one in listed["earlier"]} == {"declined"}


def test_who_may_not_see_values_gets_none(join, held):
    approval = held(city="Leeds-on-Sea")
    support = join("support")
    page, twin = (
        support.open(f"/console/approvals/{approval}"),
        support.twin(f"/console/approvals/{approval}"),
    )
    assert "Your role does not see what the call would change." in page.words
    assert "Leeds-on-Sea" not in page.text + json.dumps(twin)
    assert (twin["call"], twin["diff"], twin["decides"]) == (None, None, False)
    assert "/approve" not in page.text


def test_a_person_decides_by_keyboard(server, owner, held, tab):
    approval = held(city="Hull")
    page = tab(owner)
    page.open(f"{server.gateway}/approvals/{approval}")
    page.wait_for("Create 1 record")
    page.wait("customElements.get('m-countdown') && document.querySelector('m-countdown').innerText")
    page.press("d", 68, "d")
    assert page.run("document.activeElement.name") == "reason"
    page.run("document.activeElement.blur()")
    page.press("a", 65, "a")
    assert page.run("document.activeElement.innerText") == "Approve once"
    page.click("Approve once", times=2)
    page.wait("document.querySelector('[aria-label=\"What became of it\"]')?.innerText.includes('was sent')")
    assert page.complaints == []


def test_a_record_that_would_be_deleted_leads_to_its_page(server, owner, made_key):
    lead = json.loads(server.call("POST", LEADS, {"data": [{"Last_Name": "Kept", "City": "Hull"}]})[2])
    record = lead["data"][0]["details"]["id"]
    held = json.loads(server.call("DELETE", f"{LEADS}/{record}", None, made_key("cautious"))[2])["error"][
        "id"
    ]
    page = owner.open(f"/console/approvals/{held}")
    assert re.search(rf'Deleted: <a href="[^"]*console/crm/[-\w]+/Leads/{record}">Kept</a>', page.text)
    assert "What is there" in page.words
    assert '<th scope="col">New</th>' not in page.text


def test_pages_about_a_call_follow_what_becomes_of_it(owner, held, browse):
    approval = held(city="Followed")
    kept = wait_until(lambda: _held_call(owner, approval))
    page = owner.open(f"/console/requests/{kept}")
    assert "The call waits for a person : the held call" in page.words
    of_call, of_approval, of_list = browse(), browse(), browse()
    for tab, path in (
        (of_call, f"requests/{kept}"),
        (of_approval, f"approvals/{approval}"),
        (of_list, "approvals"),
    ):
        tab.open(f"{tab.server}/console/{path}")
        tab.wait("!!customElements.get('m-live')")
    owner.open(f"/console/approvals/{approval}")
    owner.send("/decline", reason="Not now.")
    of_call.wait("document.querySelector('main').innerText.includes('was declined')")
    of_approval.wait("document.querySelector('main').innerText.includes('was declined')")
    link = f"a[href$='approvals/{approval}']"
    of_list.wait(f"!!document.querySelector(`table[aria-labelledby=earlier] {link}`)")
    assert "m-live" not in owner.open(f"/console/requests/{kept}").text
    assert "m-live" not in owner.open(f"/console/approvals/{approval}").text


def _held_call(owner, approval):
    """The id of the call in the log that is held by this id."""
    key = owner.twin(f"/console/approvals/{approval}")["approval"]["key"]["id"]
    calls = owner.twin(f"/console/requests?q=key:{key}%20error:approval_required")["requests"]
    return calls[0]["request_id"] if calls else None


def test_a_call_of_the_log_is_told_of_no_other_held_call(owner, held, server):
    first, _ = held(city="One"), held(city="The call of another key")
    kept = wait_until(lambda: _held_call(owner, first))
    assert owner.twin(f"/console/requests/{kept}")["held"] == {
        "id": first,
        "state": "waiting",
        "became": "waits for a person",
        "is_open": True,
    }
    state = owner.ask("GET", f"/console/approvals/{first}/state").json
    assert state == {"live": "waiting"}
    assert owner.ask("GET", "/console/approvals/nothing/state").status == 404
