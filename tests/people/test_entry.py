"""Signing in on the machine of the server, by a link and without a password."""

from urllib.parse import urlencode

import pytest

from moorage.people.errors import EntryInvalid, LastOwner, PersonUnknown, SignInRefused
from moorage.people.model import person_document
from tests.people.browser import PASSWORD, Browser

HERE = "127.0.0.1"


@pytest.fixture
def here(control):
    """A browser on the machine of the server."""
    return Browser(control, HERE)


def link(control, owner, email=None):
    return control.run(control.rooms.entries.link(owner.account, email))


def enter(browser, token, **typed):
    browser.open(f"/enter?token={token}")
    return browser.send("/enter", **typed)


def is_in(browser):
    return "Sign in to Moorage" not in browser.open("/me").text


@pytest.fixture
def linus(control, owner, here):
    """The first owner, who came by one click."""
    _, token = link(control, owner)
    enter(here, token, name="Linus")
    [person] = control.run(control.rooms.people.list(owner.account))
    return person


def test_one_click_makes_the_first_owner(control, owner, linus, here):
    assert (linus.name, linus.role, linus.has_joined, linus.has_password) == ("Linus", "owner", True, False)
    assert is_in(here)
    assert person_document(linus)["has_joined"] is True


def test_whoever_has_entered_is_in_the_console(control, owner, here):
    _, token = link(control, owner)
    here.open(f"/enter?token={token}")
    body = urlencode({**here.fields(), "name": "Linus"}).encode()
    kind = ("Content-Type", "application/x-www-form-urlencoded")
    assert here._ask("POST", "/enter", body, [kind]).headers["location"] == "./console"


def test_a_link_works_once_and_for_a_quarter_of_an_hour(control, owner, linus):
    someone, token = link(control, owner)
    assert someone.id == linus.id
    first, second = Browser(control, HERE), Browser(control, HERE)
    enter(first, token)
    assert is_in(first)
    assert second.open(f"/enter?token={token}").status == 410
    _, late = link(control, owner)
    control.clock.advance(901)
    assert second.open(f"/enter?token={late}").status == 410


def test_a_newer_link_replaces_the_older(control, owner, linus, browser):
    _, older = link(control, owner)
    link(control, owner)
    with pytest.raises(EntryInvalid):
        control.run(control.rooms.entries.asked(older))


def test_a_link_is_worth_nothing_on_another_machine(control, owner, linus, browser):
    _, token = link(control, owner)
    assert browser.open(f"/enter?token={token}").status == 410
    here = Browser(control, HERE)
    here.open(f"/enter?token={token}")
    here.address = "192.0.2.1"
    assert here.send("/enter").status == 410
    assert not is_in(here)
    here.address = HERE
    enter(here, token)
    assert is_in(here)


def test_who_has_no_password_is_told_how_to_sign_in_on_this_machine(here, browser):
    assert "moorage open" in here.open("/sign-in?next=/oauth/authorize").text
    assert "moorage open" not in browser.open("/sign-in").text


def test_only_the_first_owner_joins_by_a_link(control, owner, here):
    (_, one), (_, other) = link(control, owner), link(control, owner)
    enter(here, one, name="Linus")
    late = Browser(control, HERE)
    late.open(f"/enter?token={other}")
    assert late.send("/enter", name="Mallory").status == 410
    assert len(control.run(control.rooms.people.list(owner.account))) == 1


def test_a_link_of_one_kind_is_none_of_the_other(control, owner, linus, here):
    _, token = link(control, owner)
    assert here.open(f"/welcome?token={token}").status == 410
    invited = control.run(control.rooms.people.invite_anybody(owner.account, "support"))
    assert here.open(f"/enter?token={invited}").status == 410
    assert here.open("/enter").status == 410


def test_a_name_that_can_not_be_used_is_told_and_the_link_stays(control, owner, here):
    _, token = link(control, owner)
    page = enter(here, token, name="<img src=x>\x07")
    assert (page.status, "<img" in page.text) == (400, False)
    here.send("/enter", name="Linus")
    assert is_in(here)


def test_no_password_fits_until_one_is_chosen(control, owner, linus, here):
    for password in ("none", "", PASSWORD):
        with pytest.raises(SignInRefused):
            control.run(control.rooms.sign_in.with_password(linus.email, password, "192.0.2.9"))
    here.open("/me")
    refused = here.send("/console/me/password", email="linus@example.com", password="short", repeated="short")
    assert refused.status == 400 and 'value="linus@example.com"' in refused.text
    here.send("/console/me/password", email="linus@example.com", password=PASSWORD, repeated=PASSWORD)
    assert is_in(here)
    person = control.run(control.rooms.sign_in.with_password("linus@example.com", PASSWORD, "192.0.2.9"))
    assert (person.id, person.has_password, person.enters_here) == (linus.id, True, False)


def test_who_has_a_password_can_not_change_it_without_it(control, owner, ada, browser):
    browser.open("/me")
    page = browser.send(
        "/console/me/password",
        email="x@example.com",
        password="another one, please",
        repeated="another one, please",
    )
    assert page.status == 400
    assert (
        control.run(control.rooms.sign_in.with_password("ada@example.com", PASSWORD, "192.0.2.9")).id
        == ada.id
    )


def test_the_last_owner_stays_also_without_a_password(control, owner, linus):
    with pytest.raises(LastOwner):
        control.run(control.rooms.people.remove(linus.account_id, linus.id))


def test_a_link_is_for_people_who_are_here(control, owner, linus, join):
    bob, _ = join(owner.account, "support")
    assert link(control, owner, bob.email)[0].id == bob.id
    with pytest.raises(PersonUnknown):
        link(control, owner, "nobody@example.com")


def test_links_are_in_the_audit_and_their_secrets_are_not(control, owner, linus):
    _, token = link(control, owner)
    entries = owner.get("/audit?action=person.entry_made").text
    assert linus.id in entries
    assert token not in entries
