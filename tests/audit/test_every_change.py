"""Every route that changes something leaves an entry, so no later room can forget it."""

import pytest

from tests.audit.entries import entries_of
from tests.keys.test_scope_matrix import MATRIX, send
from tests.people.browser import PASSWORD, Browser, Phone
from tests.people.conftest import quick_hashes  # noqa: F401 (a fixture)

# The actions that each changing route notes. Whoever adds a route says here what it notes.
NOTED = {
    ("/apps/{app}/default", "PUT"): "default.chosen",
    ("/apps/{app}/default", "DELETE"): "default.chosen",
    ("/connections", "POST"): "connection.created",
    ("/connections/import", "POST"): "connection.created connection.connected",
    ("/connections/prune", "POST"): "connection.pruned",
    ("/connections/{connection_id}", "PATCH"): "connection.relabelled",
    ("/connections/{connection_id}", "DELETE"): "connection.deleted",
    ("/organisations", "POST"): "organisation.created",
    ("/organisations/{slug}", "DELETE"): "organisation.deleted",
    ("/organisations/{slug}/reset", "POST"): "organisation.reset",
    ("/organisations/{slug}/seed", "POST"): "organisation.seeded",
    ("/organisations/{slug}/snapshots", "POST"): "organisation.saved",
    ("/organisations/{slug}/snapshots/{name}", "DELETE"): "organisation.snapshot_deleted",
    ("/organisations/{slug}/restore", "POST"): "organisation.restored",
    ("/keys", "POST"): "key.created",
    ("/keys/{key_id}", "DELETE"): "key.revoked",
    ("/keys/{key_id}/rotate", "POST"): "key.rotated",
    ("/keys/{key_id}/policy", "PUT"): "policy.changed",
    ("/keys/{key_id}/policy", "DELETE"): "policy.deleted",
}
# The same for the pages of people, which need a browser.
PAGES = {
    ("/welcome", "POST"): "person.joined",
    ("/sign-in", "POST"): "session.begun",
    ("/sign-out", "POST"): "session.ended",
    ("/people", "POST"): "person.invited",
    ("/people/{person_id}", "PATCH"): "person.changed",
    ("/people/{person_id}/sign-out", "POST"): "person.signed_out",
    ("/people/{person_id}/reset", "POST"): "person.reset",
    ("/people/{person_id}", "DELETE"): "person.removed",
    ("/me/password", "POST"): "person.password_changed",
    ("/me", "PATCH"): "person.changed",
    ("/me/sessions/{session_id}", "DELETE"): "session.ended",
    ("/me/second-factor/on", "POST"): "person.second_factor_on",
    ("/me/second-factor/off", "POST"): "person.second_factor_off",
    ("/sign-in/code", "POST"): "session.begun",
}
# The same for held calls: tests/approvals/test_routes.py makes some, and decides on them.
HELD = {
    ("/approvals/{approval_id}/cancel", "POST"): "approval.cancelled",
    ("/approvals/{approval_id}/approve", "POST"): "approval.approved",
    ("/approvals/{approval_id}/decline", "POST"): "approval.declined",
    ("/approvals/grants/{grant_id}/end", "POST"): "approval.grant_ended",
}
# The same for programs that people let act: tests/grants has such programs.
GRANTS = {
    ("/oauth/authorize", "POST"): "key.created policy.changed grant.given",
    ("/oauth/revoke", "POST"): "grant.ended key.revoked",
    ("/grants/{grant_id}/end", "POST"): "grant.ended key.revoked",
}
# Those that change nothing that an account has, and why.
SILENT = {
    ("/oauth/token", "POST"): "what a program may do is noted when a person allows it, and when it ends",
    ("/oauth/register", "POST"): "it opens nothing, and strangers could fill the audit",
    ("/policies/try", "POST"): "it only says what would be decided",
    ("/mcp", "POST"): "a tool makes calls, and what they change is noted as theirs",
    ("/mcp/c/{account}", "POST"): "the same",
    ("/mcp/ops", "POST"): "it only shows",
    ("/mcp/lab", "POST"): "a tool makes calls, and what they change is noted as theirs",
    ("/mcp/maton", "POST"): "the same as at /mcp",
    ("/me/second-factor", "POST"): "a secret that it makes counts only after a code of it was typed",
    ("/enter", "POST"): "who comes in, and their session, are noted: tests/people/test_entry.py",
    ("/connect/", "POST"): "it sends a person to the app; what comes of it is noted at the callback",
}


def test_every_route_that_changes_something_is_here():
    known = set(NOTED) | set(PAGES) | set(HELD) | set(GRANTS) | set(SILENT)
    assert {entry for entry in MATRIX if entry[1] != "GET"} == known


def test_what_a_route_changes_is_noted_with_who_did_it_and_from_where(control, owner):
    control.organisation("acme")
    owner.call("POST", "/organisations/acme/snapshots", {"name": "kept"})
    connection = owner.connect("acme")["id"]
    target = owner.call("POST", "/keys", {"name": "target"}).json["key"]["id"]
    owner.connect()  # This one is pruned.
    for entry in sorted(NOTED, key=lambda entry: (entry[1] == "DELETE", -entry[0].count("/"))):
        before = len(entries_of(control, owner.account))
        answer = send(control, entry, owner.key, connection, target)
        assert answer.status == 200, (entry, answer.text)
        noted = entries_of(control, owner.account)[before:]
        assert [document["action"] for document in noted] == NOTED[entry].split(), entry
        assert noted[0]["request_id"] == answer.headers["x-request-id"]
        who = noted[0]["actor"]
        assert (who["kind"], who["name"], who["address"]) == ("key", "owner", "127.0.0.1")


def test_what_people_do_on_pages_is_noted_with_who_did_it(control, owner):
    browser = Browser(control)
    assert (
        browser.join(control.run(control.rooms.people.invite_anybody(owner.account, "owner"))).status == 200
    )
    assert browser.send("/sign-out").status == 200
    assert browser.sign_in().status == 200
    [person] = control.run(control.rooms.people.list(owner.account))
    browser.open("/people")
    browser.send("/console/people", email="bob@example.com", role="support")
    [bob] = [one for one in control.run(control.rooms.people.list(owner.account)) if one.id != person.id]
    for path in ("role", "sign-out", "reset", "remove"):
        browser.open("/people")
        assert browser.send(f"/console/people/{bob.id}/{path}", role="operator").status == 200
    phone = Phone.of(browser)
    browser.open("/me")
    assert browser.send("/console/me/second-factor/off", code=phone.code()).status == 200
    browser.send("/console/me/password", present=PASSWORD, password=f"{PASSWORD}!", repeated=f"{PASSWORD}!")
    by_person = [
        document for document in entries_of(control, owner.account) if document["actor"]["id"] == person.id
    ]
    assert {document["action"] for document in by_person} == set(PAGES.values())
    assert {(who["kind"], who["address"]) for who in (document["actor"] for document in by_person)} == {
        ("person", browser.address)
    }


def test_what_changes_nothing_is_not_noted(control, owner):
    owner.connect()
    before = entries_of(control)
    owner.get("/connections")
    owner.call("POST", "/organisations", {"slug": "!"})
    owner.call("DELETE", "/organisations/absent")
    owner.call("DELETE", "/apps/zoho-crm/default")
    assert control.call("GET", "/keys", key="mk_live_wrong").status == 401
    assert entries_of(control) == before


def test_a_person_who_connects_is_noted_and_so_is_the_account_that_was_chosen(control, owner):
    control.organisation("acme")
    connection = owner.connect(embedded=True)
    control.press(connection["url"], "acme")
    [created, connected] = [
        document for document in entries_of(control, owner.account) if document["subject"] == connection["id"]
    ]
    assert (created["action"], connected["action"]) == ("connection.created", "connection.connected")
    assert connected["actor"]["kind"] == "person" and connected["actor"]["id"] is None
    assert (connected["before"]["status"], connected["after"]["status"]) == ("PENDING", "ACTIVE")
    assert connected["after"]["metadata"]["organisation"] == "acme"


def test_a_change_of_an_organisation_that_fails_is_noted_as_failed(control, owner, monkeypatch):
    control.organisation("acme")

    def break_down(*_arguments):
        raise OSError("the disk is gone")

    monkeypatch.setattr(control.rooms.crm.organisations.stored, "make", break_down)
    with pytest.raises(OSError, match="the disk"):
        control.run(control.rooms.organisations.reset("acme"))
    reset, failed = entries_of(control)[-2:]
    assert (reset["action"], failed["action"]) == ("organisation.reset", "organisation.failed")
    assert failed["after"] == {"change": "reset", "reason": "OSError"}
