"""A person changes their password, and ends sessions in other browsers."""

import json

from starlette.requests import Request

from moorage.people.rights import caller
from tests.audit.entries import entries_of
from tests.people.browser import PASSWORD, Browser

NEW = "a newer row of words"


def is_signed_in(browser):
    return "Sign in to Moorage" not in browser.open("/me").text


def test_a_new_password_ends_all_other_sessions(control, ada, browser):
    other = Browser(control)
    other.sign_in()
    before = browser.cookie
    browser.open("/me")
    answer = browser.send("/console/me/password", present=PASSWORD, password=NEW, repeated=NEW)
    assert answer.status == 200 and browser.cookie != before
    assert is_signed_in(browser) and not is_signed_in(other)
    assert other.sign_in().status == 403 and other.sign_in(password=NEW).status == 200


def test_whoever_does_not_know_the_password_can_not_change_it(control, ada, browser):
    for present in ("a guess of somebody", ""):
        browser.open("/me")
        answer = browser.send("/console/me/password", present=present, password=NEW, repeated=NEW)
        assert answer.status == 400 and "present password is wrong" in answer.text
    browser.open("/me")
    assert browser.send("/console/me/password", present=PASSWORD, password=NEW, repeated="x").status == 400
    assert is_signed_in(browser) and Browser(control).sign_in().status == 200


def test_guesses_of_the_present_password_are_counted(control, ada, browser):
    for _ in range(10):
        browser.open("/me")
        browser.send("/console/me/password", present="a guess of somebody", password=NEW, repeated=NEW)
    browser.open("/me")
    assert browser.send("/console/me/password", present=PASSWORD, password=NEW, repeated=NEW).status == 429


def test_a_session_of_another_browser_can_be_ended(control, owner, ada, browser, join):
    other = Browser(control, "198.51.100.7")
    other.sign_in()
    _, his = join(owner.account, "support")
    page = browser.open("/me").text
    assert "This browser" in page and "198.51.100.7" in page
    [there] = [one for one, here in sessions_of(control, ada) if one.address == "198.51.100.7"]
    his.open("/me")
    his.send(f"/console/me/sessions/{there.id}/end")  # It is not his.
    assert is_signed_in(other)
    browser.open("/me")
    assert browser.send(f"/console/me/sessions/{there.id}/end").status == 200
    assert not is_signed_in(other) and is_signed_in(browser)


def sessions_of(control, person):
    request = Request({"type": "http", "headers": []})
    return control.run(control.rooms.sessions.list(request, person))


def test_a_form_that_was_refused_comes_back_without_its_passwords(control, ada, browser):
    browser.open("/me")
    typed = {"present": "a guess of somebody", "password": NEW, "repeated": NEW}
    page = browser.send("/console/me/password", **typed)
    assert (page.status, page.text.count('id="fault"'), page.text.count('aria-invalid="true"')) == (400, 1, 3)
    assert not any(text in page.text for text in typed.values())
    assert browser.send("/console/me/name", name="A" * 101).status == 400
    assert f'value="{"A" * 101}"' in browser.page.text
    assert browser.open("/console/me/password").status == 200  # Who loads the page again.


def test_people_change_their_name(control, owner, ada, browser):
    browser.open("/me")
    page = browser.send("/console/me/name", name="  Ada Lovelace ")
    assert "<h1>Ada Lovelace" in page.text and "Your name is changed." in page.text
    entry = entries_of(control, owner.account)[-1]
    assert (entry["action"], entry["before"], entry["after"]) == (
        "person.changed", {"name": "Ada"}, {"name": "Ada Lovelace"},
    )  # fmt: skip
    assert is_signed_in(browser)


def test_a_new_password_is_told_by_the_new_session(control, ada, browser):
    browser.open("/me")
    browser.send("/console/me/password", present=PASSWORD, password=NEW, repeated=NEW)
    assert "All your other sessions have ended." in browser.page.text


def test_a_cookie_alone_changes_nothing_of_ones_own_by_the_api(control, ada, browser):
    body = json.dumps({"present": PASSWORD, "password": NEW, "repeated": NEW}).encode()
    answer = control.call("POST", "/me/password", body=body, headers=[("Cookie", browser.cookie)])
    assert answer.status == 401 and is_signed_in(browser)
    assert Browser(control).sign_in().status == 200


def test_what_is_no_text_is_told(control, ada):
    inside = [("Authorization", control.rooms.keys.inside(caller(ada)))]
    for body, code in (
        (b'{"name": 1}', "person_invalid"),
        (b'{"nom": "x"}', "body_invalid"),
        (b"", "body_invalid"),
    ):
        told = control.call("PATCH", "/me", body=body, headers=inside)
        assert (told.status, told.code) == (400, code)
