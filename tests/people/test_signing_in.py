"""People join with a link, sign in with a password, and sign out again."""

import asyncio
import re

import pytest
from starlette.requests import Request
from starlette.responses import Response

from moorage.people.errors import StepExpired
from moorage.people.sessions import IDLE, LONGEST, way_back
from moorage.web.tries import TRIES
from tests.audit.entries import entries_of
from tests.people.browser import PASSWORD, Browser
from tests.waiting import wait_until


def sessions(control):
    async def read():
        async with control.rooms.database.reading() as tx:
            return (await tx.connection.exec_driver_sql("SELECT * FROM person_sessions")).all()

    return control.run(read())


def signed_in(browser):
    """The name on the page of a person who is signed in; None if the page asks to sign in."""
    text = browser.open("/me").text
    return None if "Sign in to Moorage" in text else re.search(r"<h1>(.*?)</h1>", text)[1]


def test_whoever_has_the_first_link_becomes_the_owner_and_stays_signed_in(control, ada, browser):
    assert (ada.name, ada.email, ada.role, ada.has_joined) == ("Ada", "ada@example.com", "owner", True)
    assert signed_in(browser) == "Ada" and signed_in(Browser(control)) is None


def test_a_link_works_once_and_for_a_day(control, owner, ada):
    late = control.run(control.rooms.people.invite_anybody(owner.account, "support"))
    used = control.run(control.rooms.people.invite_anybody(owner.account, "support"))
    assert Browser(control).join(used, "Bob", "bob@example.com").status == 200

    def is_refused(token):
        answer = Browser(control).open(f"/welcome?token={token}")
        return answer.status == 410 and "not valid any more" in answer.text

    assert not is_refused(late) and all(map(is_refused, (used, "A" * 43, "x\0", "")))
    control.clock.advance(24 * 3600)
    assert is_refused(late)


def test_looking_at_a_link_does_not_use_it(control, owner, browser):
    token = control.run(control.rooms.people.invite_anybody(owner.account, "owner"))
    for method in ("GET", "HEAD", "GET"):
        assert browser._ask(method, f"/welcome?token={token}").status == 200
    assert browser.join(token).status == 200


UNUSABLE = [
    ({"password": "short", "repeated": "short"}, "12 to 256 characters"),
    ({"password": "a" * 40, "repeated": "a" * 40}, "5 of them different"),
    ({"password": PASSWORD, "repeated": "another one, by mistake"}, "two passwords differ"),
    ({"email": "ada"}, "e-mail address can&#39;t be"),
    ({"email": "ada\0@example.com"}, "e-mail address can&#39;t be"),
    ({"name": " "}, "name can&#39;t be"),
    ({"name": "x" * 101}, "name can&#39;t be"),
]


def test_what_can_not_be_used_is_told_and_the_link_stays(control, owner, browser):
    token = control.run(control.rooms.people.invite_anybody(owner.account, "owner"))
    good = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD, "repeated": PASSWORD}
    browser.open(f"/welcome?token={token}")
    for typed, says in UNUSABLE:
        answer = browser.send("/welcome", **good | typed)
        assert answer.status == 400 and says in answer.text and PASSWORD not in answer.text, typed
    assert browser.send("/welcome", **good).status == 200


def test_a_person_signs_out_and_in_again(control, ada, browser):
    before = browser.cookie
    assert browser.send("/sign-out").status == 200
    assert signed_in(browser) is None and sessions(control) == []
    browser.cookie = before
    assert signed_in(browser) is None
    assert browser.sign_in(email=" ADA@example.com ", way="/me?a=1").status == 200
    assert signed_in(browser) == "Ada"


def test_the_session_is_new_at_each_sign_in_and_only_its_digest_is_stored(control, ada, browser):
    first = browser.cookie
    other = Browser(control)
    other.open("/sign-in")
    unknown = other.cookie
    other.sign_in()
    assert len({first, unknown, other.cookie}) == 3
    stored = str(sessions(control))
    assert len(sessions(control)) == 2 and first.partition("=")[2] not in stored


def test_a_session_ends_when_nobody_uses_it_and_after_a_week(control, ada, browser):
    control.clock.advance(IDLE.total_seconds() - 1)
    assert signed_in(browser) == "Ada"
    control.clock.advance(IDLE.total_seconds())
    assert signed_in(browser) is None
    browser.sign_in()
    begun = control.clock.timestamp()
    while control.clock.timestamp() - begun < LONGEST.total_seconds():
        assert signed_in(browser) == "Ada"
        control.clock.advance(IDLE.total_seconds() / 2)
    assert signed_in(browser) is None


def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(control, ada):
    answers = []
    for email in ("ada@example.com", "nobody@example.com", "\0", "x" * 300):
        visitor = Browser(control)
        answer = visitor.sign_in(email, "wrong password, sorry")
        shown = re.sub(r'value="[^"]*"', "", answer.text)
        answers.append((answer.status, shown))
    assert len(set(answers)) == 1 and answers[0][0] == 403
    assert "e-mail address or the password is wrong" in answers[0][1]


def test_somebody_who_guesses_has_to_wait_and_the_person_does_not(control, ada):
    thief = Browser(control, "198.51.100.7")
    for _ in range(TRIES):
        assert thief.sign_in(password="a guess of somebody").status == 403
    for password in ("a guess of somebody", PASSWORD):
        assert thief.sign_in(password=password).status == 429
    assert "Ada" in Browser(control).sign_in().text

    def times():
        return [document["action"] for document in entries_of(control)].count("person.sign_ins_refused")

    wait_until(times)
    assert times() == 1


def test_the_answer_to_a_guesser_does_not_wait_for_the_note_of_a_person(control, ada, monkeypatch):
    waiting = []
    monkeypatch.setattr(control.rooms.sign_in, "_note_throttled", lambda email: forever(waiting, email))
    monkeypatch.setattr(control.rooms.passwords, "fits", lambda _hashed, _password: asyncio.sleep(0, False))
    thief = Browser(control, "198.51.100.8")
    statuses = [thief.sign_in(password="a guess of somebody").status for _ in range(TRIES + 1)]
    assert (statuses[-1], waiting) == (429, ["ada@example.com"])


async def forever(waiting, email):
    waiting.append(email)
    await asyncio.Event().wait()


def test_who_is_removed_or_changed_while_they_sign_in_does_not_come_in(control, owner, ada, join):
    people, sign_in = control.rooms.people, control.rooms.sign_in
    bob, _ = join(owner.account, "support")
    proved = control.run(sign_in.with_password(bob.email, PASSWORD, "192.0.2.1"))
    request = Request({"type": "http", "headers": []})
    for change in (
        people.change_role(owner.account, bob.id, "operator"),
        people.remove(owner.account, bob.id),
    ):
        control.run(change)
        with pytest.raises(StepExpired):
            control.run(control.rooms.sessions.begin(proved, request, Response()))
    assert len(sessions(control)) == 1  # Ada's.


def test_a_form_of_another_site_is_refused(control, ada, browser):
    browser.open("/sign-in")
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    for path in ("/sign-in", "/sign-out", "/welcome"):
        for headers in ([("Origin", "https://evil.example")], [("Sec-Fetch-Site", "cross-site")], []):
            answer = browser._ask("POST", path, b"email=ada%40example.com", form + headers)
            assert answer.status == 403 and "form" in answer.text, (path, headers)
    assert signed_in(browser) == "Ada"


def test_a_key_is_no_person_and_a_session_is_no_key(control, owner, ada, browser):
    assert control.call("GET", "/me", key=owner.key).code == "person_needed"
    assert control.call("GET", "/me", key=browser.cookie.partition("=")[2]).code == "key_invalid"
    for path in ("/connections", "/keys", "/organisations", "/apps"):
        assert browser._ask("GET", path).code == "key_invalid"
    bearer = browser.cookie.partition("=")[2]
    assert control.call("GET", "/connections", key=bearer).code == "key_invalid"


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("/approvals/a1?x=1&y=2", "./approvals/a1?x=1&y=2"),
        ("", "./console"),
        ("/", "./console"),
        ("https://evil.example", "./console"),
        ("//evil.example", "./console"),
        ("/\\evil.example", "./console"),
        ("/a\\b", "./console"),
        ("/../../x", "./console"),
        ("/a\r\nSet-Cookie: x", "./console"),
        ("/" + "x" * 3000, "./console"),
        ("/a?x=..%2Fy", "./a?x=..%2Fy"),
        ("/é", "./console"),
        ("/javascript:alert(1)", "./javascript%3Aalert%281%29"),
    ],
)
def test_signing_in_leads_only_to_pages_of_this_site(asked, leads_to):
    assert way_back(asked) == leads_to
