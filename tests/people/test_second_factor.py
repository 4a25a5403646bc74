"""Codes that are asked for after the password: set up, asked, used once, and lost with the phone."""

import pytest

from moorage.people.second_factor import MOST_WRONG, STEP_SECONDS
from moorage.people.totp import code_at, matching_step, new_recovery_codes, recovery_code
from tests.people.browser import PASSWORD, Browser, Phone

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B.


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(seconds, code):
    assert code_at(RFC_SECRET, seconds // 30) == code


def test_a_code_fits_for_half_a_minute_around_its_own_and_not_again():
    code, now = code_at(RFC_SECRET, 1000), 30_000
    assert [matching_step(RFC_SECRET, code, now + late, None) for late in (-31, -30, 0, 59, 60)] == [
        None, 1000, 1000, 1000, None,
    ]  # fmt: skip
    assert matching_step(RFC_SECRET, f"{code[:3]} {code[3:]}", now, 999) == 1000
    assert matching_step(RFC_SECRET, code, now, 1000) is None
    for text in ("", "12345", "1234567", "\u0661" * 6, "a" * 10_000):
        assert matching_step(RFC_SECRET, text, now, None) is None


def test_a_recovery_code_is_read_as_people_type_it():
    code = new_recovery_codes()[0]
    assert (
        recovery_code(f" {code.upper()} ") == recovery_code(code.replace("-", " ")) == code.replace("-", "")
    )
    assert recovery_code("1234-5678") is None


@pytest.fixture
def phone(control, ada, browser):
    return Phone.of(browser)


def test_a_code_is_asked_for_after_the_password_and_works_once(control, phone):
    visitor = Browser(control)
    asked = visitor.sign_in(way="/people")
    assert "code on your phone" in asked.text and "Sign in to Moorage" in visitor.open("/me").text
    visitor.sign_in(way="/people")
    code = phone.code()
    assert "<h1>People" in visitor.send("/sign-in/code", code=code).text
    again = Browser(control)
    again.sign_in()
    assert again.send("/sign-in/code", code=code).status == 403
    assert "<h1>Ada" in again.send("/sign-in/code", code=phone.code()).text


def test_a_recovery_code_works_once_and_only_digests_are_stored(control, phone):
    first = phone.recovery[0]
    for status in (200, 403):
        visitor = Browser(control)
        visitor.sign_in()
        assert visitor.send("/sign-in/code", code=first).status == status
    assert "<h1>Ada" in visitor.send("/sign-in/code", code=phone.recovery[1].upper()).text

    async def stored():
        async with control.rooms.database.reading() as tx:
            tables = ("people", "person_recovery_codes", "secrets", "audit_entries")
            return [(await tx.connection.exec_driver_sql(f"SELECT * FROM {t}")).all() for t in tables]

    text = str(control.run(stored()))
    assert phone.secret not in text
    assert not any(code in text or code.replace("-", "") in text for code in phone.recovery)


def test_whoever_guesses_codes_has_to_wait(control, phone):
    thief = Browser(control, "198.51.100.7")
    thief.sign_in()
    for _ in range(MOST_WRONG):
        assert thief.send("/sign-in/code", code="000000").status == 403
    assert thief.send("/sign-in/code", code=phone.code()).status == 429
    ada = Browser(control)
    ada.sign_in()
    assert "<h1>Ada" in ada.send("/sign-in/code", code=phone.code()).text


def test_the_step_to_the_code_is_of_one_browser_one_password_and_five_minutes(control, owner, ada, phone):
    visitor, other = Browser(control), Browser(control)
    visitor.sign_in()
    step = visitor.fields()["step"]
    other.open("/sign-in")
    assert other.send("/sign-in/code", step=step, code=phone.code()).status == 403
    for torn in ("", "x", step[:-1], step.replace(ada.id, "person_x"), f"{ada.id}.{'9' * 30}.x", "\0.1.x"):
        assert visitor.send("/sign-in/code", step=torn, code=phone.code()).status == 403
        visitor.sign_in()
    control.clock.advance(STEP_SECONDS + 1)
    assert "too long" in visitor.send("/sign-in/code", code=phone.code()).text
    visitor.sign_in()
    step, token = visitor.fields()["step"], visitor.fields()["form_token"]
    control.run(control.rooms.people.change_password(ada, f"{PASSWORD}!", f"{PASSWORD}!"))
    assert visitor.send("/sign-in/code", step=step, form_token=token, code=phone.code()).status == 403


def test_codes_are_turned_off_with_a_code_and_lost_ones_by_a_reset(control, owner, ada, browser, phone):
    browser.open("/me")
    assert browser.send("/console/me/second-factor/off", code="000000").status == 403
    assert "code on your phone" in Browser(control).sign_in().text
    browser.open("/me")
    assert browser.send("/console/me/second-factor/off", code=phone.code()).status == 200
    assert "<h1>Ada" in Browser(control).sign_in().text


def test_a_reset_takes_the_second_factor_too(control, owner, ada, phone):
    _, token = control.run(control.rooms.people.reset(owner.account, ada.id))
    assert "<h1>Ada" in Browser(control).join(token).text
    assert "<h1>Ada" in Browser(control).sign_in().text


def test_nobody_sets_up_codes_without_the_password(control, ada, browser):
    browser.open("/me")
    assert browser.send("/console/me/second-factor", present="a guess of somebody").status == 400
    browser.open("/me")
    assert "<h1>Ada" in browser.send("/console/me/second-factor/on", code="123456").text  # Nothing was begun.
    browser.open("/me")
    browser.send("/console/me/second-factor", present=PASSWORD)
    wrong = browser.send("/console/me/second-factor/on", code="000000")
    assert wrong.status == 403 and "<svg" in wrong.text and "This code is not right" in wrong.text
    assert "<h1>Ada" in Browser(control).sign_in().text
