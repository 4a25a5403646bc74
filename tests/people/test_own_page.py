"""A person changes their password, and ends sessions in other browsers."""

from starlette.requests import Request

from tests.people.browser import PASSWORD, Browser

NEW = "a newer row of words"


def is_signed_in(browser):
    return "Sign in to Moorage" not in browser.open("/me").text


def test_a_new_password_ends_all_other_sessions(control, ada, browser):
    other = Browser(control)
    other.sign_in()
    before = browser.cookie
    browser.open("/me")
    answer = browser.send("/me/password", present=PASSWORD, password=NEW, repeated=NEW)
    assert answer.status == 200 and browser.cookie != before
    assert is_signed_in(browser) and not is_signed_in(other)
    assert other.sign_in().status == 403 and other.sign_in(password=NEW).status == 200


def test_whoever_does_not_know_the_password_can_not_change_it(control, ada, browser):
    for present in ("a guess of somebody", ""):
        browser.open("/me")
        answer = browser.send("/me/password", present=present, password=NEW, repeated=NEW)
        assert answer.status == 400 and "present password is wrong" in answer.text
    browser.open("/me")
    assert browser.send("/me/password", present=PASSWORD, password=NEW, repeated="x").status == 400
    assert is_signed_in(browser) and Browser(control).sign_in().status == 200


def test_guesses_of_the_present_password_are_counted(control, ada, browser):
    for _ in range(10):
        browser.open("/me")
        browser.send("/me/password", present="a guess of somebody", password=NEW, repeated=NEW)
    browser.open("/me")
    assert browser.send("/me/password", present=PASSWORD, password=NEW, repeated=NEW).status == 429


def test_a_session_of_another_browser_can_be_ended(control, owner, ada, browser, join):
    other = Browser(control, "198.51.100.7")
    other.sign_in()
    _, his = join(owner.account, "support")
    page = browser.open("/me").text
    assert "This browser" in page and "198.51.100.7" in page
    [there] = [one for one, here in sessions_of(control, ada) if one.address == "198.51.100.7"]
    his.open("/me")
    his.send("/me/sessions", session=there.id)  # It is not his.
    assert is_signed_in(other)
    browser.open("/me")
    assert browser.send("/me/sessions", session=there.id).status == 200
    assert not is_signed_in(other) and is_signed_in(browser)


def sessions_of(control, person):
    request = Request({"type": "http", "headers": []})
    return control.run(control.rooms.sessions.list(request, person))
