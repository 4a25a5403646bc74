"""Owners invite people, change what they may do, and remove them; nobody else does."""

import re

import pytest

from moorage.people.errors import LastOwner, PersonUnknown
from moorage.people.managing import routes as managing_routes
from moorage.people.model import PERMISSIONS, ROLES
from moorage.people.own_page import routes as own_routes
from tests.control import GATEWAY
from tests.people.browser import PASSWORD, Browser

PAGES = [route.path for route in [*managing_routes(None, None, ""), *own_routes(None, None, None, None, "")]]


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
    answer = browser.send("/people", email="bob@example.com", name="Bob", role="approver")
    assert answer.status == 200 and not everybody(control, owner)["Bob"].has_joined
    assert "has not joined yet" in browser.open("/people").text
    bob = Browser(control)
    assert (
        "Choose a password for <strong>bob@example.com" in bob.open(f"/welcome?token={token_in(answer)}").text
    )
    assert bob.send("/welcome", password=PASSWORD, repeated=PASSWORD).status == 200
    assert is_signed_in(bob) and everybody(control, owner)["Bob"].role == "approver"
    browser.open("/people")
    again = browser.send("/people", email="BOB@example.com", role="owner")
    assert again.status == 409 and "already" in again.text


def test_another_role_and_a_reset_end_the_sessions_at_once(control, owner, ada, browser, join):
    bob, his = join(owner.account, "support")
    browser.open("/people")
    assert browser.send("/people/role", person=bob.id, role="operator").status == 200
    assert everybody(control, owner)["Bob"].role == "operator" and not is_signed_in(his)
    assert his.sign_in("bob@example.com").status == 200 and is_signed_in(his)
    browser.open("/people")
    answer = browser.send("/people/reset", person=bob.id)
    assert not is_signed_in(his) and his.sign_in("bob@example.com").status == 403
    assert his.join(token_in(answer), password="another five words here").status == 200
    assert is_signed_in(his)
    browser.open("/people")
    assert browser.send("/people/sign-out", person=bob.id).status == 200 and not is_signed_in(his)


def test_whoever_is_removed_is_out_at_once(control, owner, ada, browser, join):
    bob, his = join(owner.account, "owner")
    browser.open("/people")
    assert browser.send("/people/remove", person=bob.id).status == 200
    assert not is_signed_in(his) and list(everybody(control, owner)) == ["Ada"]


def test_the_last_owner_who_can_sign_in_stays(control, owner, ada, browser):
    people = control.rooms.people
    browser.open("/people")
    browser.send("/people", email="eve@example.com", name="Eve", role="owner")  # She has not joined.
    browser.open("/people")
    for path, values in (("/people/role", {"role": "support"}), ("/people/remove", {})):
        answer = browser.send(path, person=ada.id, **values)
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
        _, his = join(owner.account, role, role.title())
        his.open("/me")
        token, before = his.fields()["form_token"], changes()
        assert his.open("/people").status == 403
        for path in PAGES:
            if path.startswith("/people"):
                his.open("/me")
                answer = his.send(path, form_token=token, person=ada.id, role="owner", email="x@example.com")
                assert answer.status == 403 and "people:write" in answer.text, (role, path)
        assert changes() == before


def test_a_stranger_is_sent_to_sign_in_and_changes_nothing(control, owner, ada, changes):
    before = changes()
    stranger = Browser(control)
    for path in PAGES:
        stranger.open("/sign-in")
        if path != "/me":
            answer = stranger.send(path, person=ada.id, role="support", email="x@example.com", session="x")
            assert "Sign in to Moorage" in answer.text, path
            assert stranger.at == f"/sign-in?next=/{path.split('/')[1]}"
        for method in ("GET", "POST"):
            with_key = control.call(method, path, key=owner.key)
            assert with_key.status in {303, 405}, "a key opened a page for people"
    assert changes() == before


def test_people_of_another_account_are_unknown(control, owner, stranger, ada, browser, join, changes):
    other, theirs = join(stranger.account, "owner", "Zoe")
    before = changes()
    for path in ("/people/role", "/people/reset", "/people/sign-out", "/people/remove"):
        answers = []
        for person in (other.id, "person_00000000-0000", "x\0", "é" * 300):
            browser.open("/people")
            answer = browser.send(path, person=person, role="support")
            answers.append((answer.status, answer.text.replace(person, "ID")))
        assert answers[0] == answers[1] and {status for status, _ in answers} == {404}, path
    assert "Zoe" not in browser.open("/people").text and is_signed_in(theirs)
    assert changes() == before
    with pytest.raises(PersonUnknown):
        control.run(control.rooms.people.end_sessions(owner.account, other.id))


def test_a_form_of_another_site_changes_nobody(control, ada, browser, changes):
    before = changes()
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", "https://evil.example")]
    for path in PAGES:
        answer = browser._ask("POST", path, f"person={ada.id}&role=support".encode(), headers)
        assert answer.status in {403, 405}, path
    assert changes() == before


def test_what_people_write_is_shown_as_text(control, owner, ada, browser):
    browser.open("/people")
    browser.send("/people", email="eve@example.com", name="<script>alert(1)</script>", role="support")
    page = browser.open("/people").text
    assert "<script" not in page and "&lt;script&gt;" in page


def test_what_can_not_be_used_is_told(control, ada, browser):
    for values in ({"email": "x", "role": "owner"}, {"email": "x@example.com", "role": "ownr"}):
        browser.open("/people")
        answer = browser.send("/people", **values)
        assert (answer.status == 400 and "can&#39;t be" in answer.text) or "owner" in answer.text
