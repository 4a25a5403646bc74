"""All that people do, in each kind of control database."""

from tests.control_database import on_both as database_settings  # noqa: F401 (a fixture)
from tests.people.browser import PASSWORD, Browser, Phone


def test_people_come_and_go_in_each_kind_of_database(control, owner, ada, browser, join):
    people = control.rooms.people
    bob, his = join(owner.account, "support")
    assert "Ada" in browser.sign_in().text and "Bob" in his.open("/me").text
    control.run(people.change_role(owner.account, bob.id, "owner"))
    assert "Sign in" in his.open("/me").text and "Bob" in his.sign_in("bob@example.com").text
    his.open("/me")
    assert (
        "Bob" in his.send("/console/me/password", present=PASSWORD, password=PASSWORD, repeated=PASSWORD).text
    )
    browser.open("/me")
    assert browser.send("/console/me/sessions/x%00/end").status == 200  # PostgreSQL takes no NUL.
    phone = Phone.of(browser)
    for code in (phone.code(), phone.recovery[0]):
        visitor = Browser(control)
        visitor.sign_in()
        assert "Ada" in visitor.send("/sign-in/code", code=code).text
    _, token = control.run(people.reset(owner.account, ada.id))
    assert Browser(control).join(token).status == 200
    control.run(people.end_sessions(owner.account, ada.id))
    his.open("/people")
    assert his.send("/console/people", email="ada@example.com", role="owner").status == 409
    control.run(people.remove(owner.account, ada.id))
    assert [person.name for person in control.run(people.list(owner.account))] == ["Bob"]
