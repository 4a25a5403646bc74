"""A person signs in on the consent page by password, and has a session for a while."""

from urllib.parse import urlencode

import pytest

from moorage.crm.accounts.people import SESSION_LIFETIME
from moorage.web.tries import TRIES
from tests.crm.accounts.browser import ANA, FORM, PASSWORD, sign_in

PRIYA = "priya@harbourpine.example"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (ANA, "wrong"),
        (ANA, ""),
        (ANA, PASSWORD + " "),
        (ANA, PASSWORD * 100),
        (PRIYA, PASSWORD),  # Has no password.
        ("nobody@harbourpine.example", PASSWORD),
        ("omar@harbourpine.example", PASSWORD),  # Was deleted.
        ("", ""),
        ("é\0", "é\0"),
    ],
)
def test_what_does_not_fit_is_refused_without_saying_why(client, ana, browser, email, password):
    page = sign_in(browser, client.asks(), email, password)
    assert page.status == 403
    assert "password is wrong" in page.text and "Accept" not in page.text


def test_an_e_mail_address_is_taken_in_any_case_and_with_spaces_around(client, ana, browser):
    assert "Accept" in sign_in(browser, client.asks(), f" {ANA.upper()} ").text


def test_who_guesses_ten_times_has_to_wait_and_nobody_else_has_to(client, ana, browser):
    elsewhere = {"X-Forwarded-For": "198.51.100.1, 192.0.2.1"}
    page = browser.get(client.asks())
    for _ in range(TRIES):
        refused = browser.send(page, "password", elsewhere, email=ANA, password="guess")
        assert refused.status == 403
    assert browser.send(page, "password", elsewhere, email=ANA, password=PASSWORD).status == 429
    assert "Accept" in sign_in(browser, client.asks()).text


def test_a_process_keeps_nothing_of_what_strangers_type(client, ana, browser, tmp_path):
    """An address too long for any user, a password, and how often somebody tried."""
    page = browser.get(client.asks())
    before = [file.read_bytes() for file in sorted((tmp_path / "crm").glob("registry.db*"))]
    for email in (ANA, "nobody@x.example", "a" * 255, "a" * 8_000):
        assert browser.send(page, "password", email=email, password="guess").status == 403
    assert [file.read_bytes() for file in sorted((tmp_path / "crm").glob("registry.db*"))] == before


def test_an_organisation_deleted_meanwhile_is_told_of(client, ana, service, crm, nobody, monkeypatch):
    people = service.people.wrapped
    check = people._passwords.fits

    async def checked_while_it_is_deleted(known, password):
        fits = await check(known, password)
        await service.organisations.delete("acme")
        return fits

    monkeypatch.setattr(people._passwords, "fits", checked_while_it_is_deleted)
    session = "s" * 43
    form = {
        "form_token": service.people.form_token(session),
        "request": client.asks().partition("?")[2],
        "step": "password",
        "email": ANA,
        "password": PASSWORD,
    }
    headers = {"Cookie": f"moorage_crm_session={session}", "Content-Type": FORM}
    answer = nobody.call("POST", "/oauth/v2/auth", body=urlencode(form).encode(), headers=headers)
    assert answer.status == 400 and b"ERROR_invalid_client" in answer.body


def test_a_person_who_signs_in_begins_to_count_anew(client, ana, browser):
    for _ in range(2):
        for _ in range(TRIES - 1):
            sign_in(browser, client.asks(), password="guess")
        page = sign_in(browser, client.asks())
        browser.send(page, "other")
        assert "Accept" in page.text


def test_a_session_is_new_after_signing_in_and_out_of_reach_of_scripts(client, ana, origin, browser):
    page = browser.get(client.asks())
    before = browser.cookie
    fields = {**page.form("password"), "email": ANA, "password": PASSWORD}
    sent = {"Cookie": before, "Content-Type": FORM}
    status, headers, _ = origin.call("POST", "/oauth/v2/auth", urlencode(fields), sent)
    cookie = dict(headers)["set-cookie"]
    assert status == 303 and cookie.partition(";")[0] != before
    rules = f"Path=/oauth/v2/auth; Max-Age={SESSION_LIFETIME}; HttpOnly; SameSite=Lax"
    assert cookie.partition("; ")[2] == rules
    assert "Accept" not in browser.get(client.asks()).text  # The one from before is not signed in.


def test_a_session_ends_after_ten_minutes(client, ana, browser, clock):
    page = sign_in(browser, client.asks())
    clock.advance(SESSION_LIFETIME - 1)
    assert "Accept" in browser.get(client.asks()).text
    clock.advance(1)
    late = browser.send(page, "accept")
    assert late.status == 403 and "Sign in to" in late.text


def test_a_new_password_ends_the_sessions_of_the_old_one(client, ana, browser, service, crm):
    page = sign_in(browser, client.asks())
    service.people.set_password(crm.organisation, ANA, "another password")
    assert browser.send(page, "accept").status == 403
    assert sign_in(browser, client.asks()).status == 403
    assert "Accept" in sign_in(browser, client.asks(), password="another password").text


def test_who_is_somebody_else_signs_in_again(client, ana, browser):
    page = browser.send(sign_in(browser, client.asks()), "other")
    assert page.status == 200 and "Sign in to" in page.text
    assert "Sign in to" in browser.get(client.asks()).text


def test_who_is_not_signed_in_signs_out_without_a_write(client, crm, origin, browser, monkeypatch):
    database, writes = origin._service._storage.database, []
    transaction = database.transaction
    monkeypatch.setattr(database, "transaction", lambda: writes.append(1) or transaction())
    page = browser.send(browser.get(client.asks()), "password", step="other")
    assert page.status == 200 and "Sign in to" in page.text
    assert writes == []


@pytest.mark.usefixtures("real_hashes")
def test_passwords_and_sessions_are_kept_as_digests_only(client, ana, browser, tmp_path):
    sign_in(browser, client.asks())
    session = browser.cookie.partition("=")[2]
    held = b"".join(file.read_bytes() for file in (tmp_path / "crm").glob("registry.db*"))
    assert b"$argon2id$v=19$m=65536,t=3,p=1$" in held
    assert PASSWORD.encode() not in held and session.encode() not in held
