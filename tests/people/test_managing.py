"""Owners invite people, change what they may do, and remove them; nobody else does."""

import re

import pytest

from moorage.console.me import PAGES as OWN_PAGES
from moorage.people.errors import LastOwner, PersonUnknown
from moorage.people.model import PERMISSIONS, ROLES
from moorage.people.rights import caller
from tests.control import GATEWAY
from tests.people.browser import PASSWORD, Browser

OWN = [page.path for page in OWN_PAGES if page.method == "POST"]
CHANGES = ("role", "reset", "sign-out", "remove")  # Of a person, in the console.


def token_in(answer):
    return re.search(rf"{GATEWAY}/welcome\?token=([\w-]+)", answer.text)[1]


def everybody(control, owner):
    return {person.name: person for person in control.run(control.rooms.people.list(owner.account))}


def is_signed_in(browser):
    return "Sign in to Moorage" not in browser.open("/me").text


@pytest.fixture
def changes(control, owner):
    """What the people and sessions are, to see that nothing was changed."""

    async def read():
        async with control.rooms.database.reading() as tx:
            tables = ("people", "person_sessions", "person_links")
            return [(await tx.connection.exec_driver_sql(f"SELECT * FROM {t}")).all() for t in tables]

    return lambda: control.run(read())


def test_an_owner_invites_somebody_who_joins_with_the_link(control, owner, ada, browser):
    browser.open("/people")
    answer = browser.send("/console/people", email="bob@example.com", name="Bob", role="approver")
    assert answer.status == 200 and not everybody(control, owner)["Bob"].has_joined
    assert "invited" in browser.open("/people").text
    bob = Browser(control)
    assert (
        "Choose a password for <strong>bob@example.com" in bob.open(f"/welcome?token={token_in(answer)}").text
    )
    assert bob.send("/welcome", password=PASSWORD, repeated=PASSWORD).status == 200
    assert is_signed_in(bob) and everybody(control, owner)["Bob"].role == "approver"
    browser.open("/people")
    again = browser.send("/console/people", email="BOB@example.com", role="owner")
    assert again.status == 409 and "already" in again.text


def test_another_role_and_a_reset_end_the_sessions_at_once(control, owner, ada, browser, join):
    bob, his = join(owner.account, "support")
    browser.open("/people")
    assert browser.send(f"/console/people/{bob.id}/role", role="operator").status == 200
    assert everybody(control, owner)["Bob"].role == "operator" and not is_signed_in(his)
    assert his.sign_in("bob@example.com").status == 200 and is_signed_in(his)
    browser.open("/people")
    answer = browser.send(f"/console/people/{bob.id}/reset")
    assert not is_signed_in(his) and his.sign_in("bob@example.com").status == 403
    assert his.join(token_in(answer), password="another five words here").status == 200
    assert is_signed_in(his)
    browser.open("/people")
    assert browser.send(f"/console/people/{bob.id}/sign-out").status == 200 and not is_signed_in(his)


def test_whoever_is_removed_is_out_at_once(control, owner, ada, browser, join):
    bob, his = join(owner.account, "owner")
    browser.open("/people")
    assert browser.send(f"/console/people/{bob.id}/remove").status == 200
    assert not is_signed_in(his) and list(everybody(control, owner)) == ["Ada"]


def test_the_last_owner_who_can_sign_in_stays(control, owner, ada, browser):
    people = control.rooms.people
    browser.open("/people")
    browser.send("/console/people", email="eve@example.com", name="Eve", role="owner")  # She has not joined.
    browser.open("/people")
    for path, values in (("role", {"role": "support"}), ("remove", {})):
        answer = browser.send(f"/console/people/{ada.id}/{path}", **values)
        assert answer.status == 409 and "last owner" in answer.text
        browser.open("/people")
    with pytest.raises(LastOwner):
        control.run(people.remove(owner.account, ada.id))
    eve = everybody(control, owner)["Eve"]
    control.run(people.remove(owner.account, eve.id))


def test_nobody_but_an_owner_manages_people(control, owner, ada, join, changes):
    for role in ROLES:
        if "people:write" in PERMISSIONS[role]:
            continue
        person, his = join(owner.account, role, role.title())
        his.open("/me")
        before = changes()
        assert his.open("/people").status == 200 and his.at == "/console/me"
        for path in ("", *(f"/{ada.id}/{change}" for change in CHANGES)):
            his.open("/me")
            answer = his.send(f"/console/people{path}", role="owner", email="x@example.com")
            assert answer.status == 403 and "people:write" in answer.text, (role, path)
        # Nor would the API do it, if a page asked.
        inside = [("Authorization", control.rooms.keys.inside(caller(person)))]
        for method, path in (("GET", ""), ("POST", ""), ("PATCH", f"/{ada.id}"), ("DELETE", f"/{ada.id}")):
            told = control.call(method, f"/people{path}", headers=inside)
            assert (told.status, told.code) == (403, "permission_missing"), (role, method)
        assert changes() == before


def test_a_stranger_is_sent_to_sign_in_and_changes_nothing(control, owner, ada, changes):
    before = changes()
    stranger = Browser(control)
    for path in ("/people", *(f"/people/{ada.id}/{change}" for change in CHANGES)):
        stranger.open("/sign-in")
        answer = stranger.send(f"/console{path}", role="support", email="x@example.com")
        assert "Sign in to Moorage" in answer.text, path
    for path in OWN:
        stranger.open("/sign-in")
        assert "Sign in to Moorage" in stranger.send(f"/console{path}", name="x").text, path
        with_key = control.call("POST", f"/console{path}", key=owner.key)
        assert with_key.status == 303, "a key opened a page for people"
    assert changes() == before


def test_people_of_another_account_are_unknown(control, owner, stranger, ada, browser, join, changes):
    other, theirs = join(stranger.account, "owner", "Zoe")
    before = changes()
    for change in CHANGES:
        answers = []
        for person in (other.id, "person_00000000-0000", "x%00", "%C3%A9" * 100):
            browser.open("/people")
            answer = browser.send(f"/console/people/{person}/{change}", role="support")
            answers.append((answer.status, "no person" in answer.text))
        assert set(answers) == {(404, True)}, change
    assert browser.open(f"/console/people/{other.id}").status == 404
    assert "Zoe" not in browser.open("/people").text and is_signed_in(theirs)
    assert changes() == before
    with pytest.raises(PersonUnknown):
        control.run(control.rooms.people.end_sessions(owner.account, other.id))


def test_a_form_of_another_site_changes_nobody(control, ada, browser, changes):
    before = changes()
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", "https://evil.example")]
    pages = [f"/console/people/{ada.id}/{change}" for change in CHANGES]
    for path in ("/console/people", *pages, *(f"/console{path}" for path in OWN)):
        answer = browser._ask("POST", path, b"role=support&email=x@example.com", headers)
        assert answer.status in {403, 405}, path
    assert changes() == before


def test_what_people_write_is_shown_as_text(control, owner, ada, browser):
    browser.open("/people")
    browser.send("/console/people", email="eve@example.com", name="<script>alert(1)</script>", role="support")
    page = browser.open("/people").text
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_what_can_not_be_used_is_told(control, ada, browser):
    for values in ({"email": "x", "role": "owner"}, {"email": "x@example.com", "role": "ownr"}):
        browser.open("/people")
        answer = browser.send("/console/people", **values)
        assert (answer.status == 400 and "can&#39;t be" in answer.text) or "owner" in answer.text
