"""A person is sent to the consent page, signs in and decides; over sockets, with a browser that runs no scripts."""

import secrets
import socket
from urllib.parse import urlencode

import pytest

from moorage.crm.accounts.clients import CODE_LIFETIME, NEW_CODES, challenge_of
from moorage.crm.accounts.people import SESSION_LIFETIME
from moorage.crm.accounts.tries import TRIES
from tests.crm.accounts.browser import Browser
from tests.crm.accounts.conftest import CALLBACK, SCOPES

ANA = "ana@harbourpine.example"
PRIYA = "priya@harbourpine.example"
PASSWORD = "correct horse battery"
FORM = "application/x-www-form-urlencoded"
STATE = "s t&a=t/é+\n%"


@pytest.fixture
def ana(service, crm):
    """The first user of acme may sign in with a password."""
    service.people.set_password(crm.organisation, ANA, PASSWORD)


@pytest.fixture
def browser(origin) -> Browser:
    return Browser(origin)


def sign_in(browser, address, email=ANA, password=PASSWORD):
    return browser.send(browser.get(address), "password", email=email, password=password)


def test_who_accepts_sends_the_client_a_code_for_tokens_of_their_own(client, ana, origin, browser):
    page = sign_in(browser, client.asks())
    for shown in ("Stub", "Harbour &amp; Pine", "Ana Moreira", ANA, "127.0.0.1:9", "at any time"):
        assert shown in page.text
    page = browser.send(page, "accept")
    assert page.status == 303 and page.location.startswith(f"{CALLBACK}&code=1000.")
    code = page.callback.pop("code")
    assert page.callback == {
        "from": "crm",
        "code": code,
        "location": "us",
        "accounts-server": origin.url,
        "state": STATE,
    }
    given = origin.exchange(client, page)
    assert given["scope"] == SCOPES.replace(",", " ") and given["refresh_token"]
    headers = {"Authorization": f"Zoho-oauthtoken {given['access_token']}"}
    status, _, body = origin.call("GET", "/oauth/user/info", headers=headers)
    assert status == 200 and ANA.encode() in body
    assert "access_token" in origin.token(
        client, grant_type="refresh_token", refresh_token=given["refresh_token"]
    )


def test_who_rejects_sends_the_client_that_and_no_code(client, ana, browser):
    page = browser.send(sign_in(browser, client.asks()), "reject")
    assert page.location.startswith(CALLBACK)
    assert page.callback == {"from": "crm", "error": "access_denied", "state": STATE}


def test_who_cancels_before_signing_in_rejects(client, ana, browser):
    page = browser.send(browser.get(client.asks(state=None)), "reject")
    assert page.callback == {"from": "crm", "error": "access_denied"}


def test_scopes_are_shown_in_plain_words(client, ana, browser):
    scopes = "ZohoCRM.modules.leads.READ,ZohoCRM.settings.ALL,ZohoSearch.securesearch.READ"
    page = sign_in(browser, client.asks(scope=scopes))
    for words in (
        "Read records of the module “leads”",
        "Read, add, change and delete all settings, such as fields and layouts",
        "Search records",
    ):
        assert f"{words}</li>" in page.text


def test_without_offline_access_there_is_one_hour(client, ana, origin, browser):
    page = sign_in(browser, client.asks(access_type=None))
    assert "for one hour" in page.text
    given = origin.exchange(client, browser.send(page, "accept"))
    assert "access_token" in given and "refresh_token" not in given


class TestSigningIn:
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
    def test_what_does_not_fit_is_refused_without_saying_why(self, client, ana, browser, email, password):
        page = sign_in(browser, client.asks(), email, password)
        assert page.status == 403
        assert "do not belong together" in page.text and "Accept" not in page.text

    def test_an_e_mail_address_is_taken_in_any_case_and_with_spaces_around(self, client, ana, browser):
        assert "Accept" in sign_in(browser, client.asks(), f" {ANA.upper()} ").text

    def test_who_guesses_ten_times_has_to_wait_and_nobody_else_has_to(self, client, ana, browser):
        elsewhere = {"X-Forwarded-For": "198.51.100.1, 192.0.2.1"}
        page = browser.get(client.asks())
        for _ in range(TRIES):
            refused = browser.send(page, "password", elsewhere, email=ANA, password="guess")
            assert refused.status == 403
        assert browser.send(page, "password", elsewhere, email=ANA, password=PASSWORD).status == 429
        assert "Accept" in sign_in(browser, client.asks()).text

    def test_a_process_keeps_nothing_of_what_strangers_type(self, client, ana, browser, tmp_path):
        """An address too long for any user, a password, and how often somebody tried."""
        page = browser.get(client.asks())
        before = [file.read_bytes() for file in sorted((tmp_path / "crm").glob("registry.db*"))]
        for email in (ANA, "nobody@x.example", "a" * 255, "a" * 8_000):
            assert browser.send(page, "password", email=email, password="guess").status == 403
        assert [file.read_bytes() for file in sorted((tmp_path / "crm").glob("registry.db*"))] == before

    def test_an_organisation_deleted_meanwhile_is_told_of(
        self, client, ana, service, crm, nobody, monkeypatch
    ):
        check = service.people._check

        async def checked_while_it_is_deleted(known, password):
            fits = await check(known, password)
            service.organisations.delete("acme")
            return fits

        monkeypatch.setattr(service.people, "_check", checked_while_it_is_deleted)
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

    def test_one_who_signs_in_begins_to_count_anew(self, client, ana, browser):
        for _ in range(2):
            for _ in range(TRIES - 1):
                sign_in(browser, client.asks(), password="guess")
            page = sign_in(browser, client.asks())
            browser.send(page, "other")
            assert "Accept" in page.text

    def test_a_session_is_new_after_signing_in_and_out_of_reach_of_scripts(
        self, client, ana, origin, browser
    ):
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

    def test_a_session_ends_after_ten_minutes(self, client, ana, browser, clock):
        page = sign_in(browser, client.asks())
        clock.advance(SESSION_LIFETIME - 1)
        assert "Accept" in browser.get(client.asks()).text
        clock.advance(1)
        late = browser.send(page, "accept")
        assert late.status == 403 and "Sign in to" in late.text

    def test_a_new_password_ends_the_sessions_of_the_old_one(self, client, ana, browser, service, crm):
        page = sign_in(browser, client.asks())
        service.people.set_password(crm.organisation, ANA, "another password")
        assert browser.send(page, "accept").status == 403
        assert sign_in(browser, client.asks()).status == 403
        assert "Accept" in sign_in(browser, client.asks(), password="another password").text

    def test_who_is_somebody_else_signs_in_again(self, client, ana, browser):
        page = browser.send(sign_in(browser, client.asks()), "other")
        assert page.status == 200 and "Sign in to" in page.text
        assert "Sign in to" in browser.get(client.asks()).text

    def test_passwords_and_sessions_are_kept_as_digests_only(self, client, ana, browser, tmp_path):
        sign_in(browser, client.asks())
        session = browser.cookie.partition("=")[2]
        held = b"".join(file.read_bytes() for file in (tmp_path / "crm").glob("registry.db*"))
        assert b"$argon2id$" in held
        assert PASSWORD.encode() not in held and session.encode() not in held


class TestWithoutAPassword:
    """The users of the organisation to try things out with, at a browser on this machine."""

    @pytest.fixture
    def open_client(self, demo, register):
        return register("demo")

    @pytest.fixture
    def people(self, open_client, browser):
        """The page that lets one choose."""
        return browser.send(browser.get(open_client.asks()), "people")

    def test_users_of_the_demo_sign_in_without_one_here(self, open_client, origin, browser, people):
        assert people.status == 200 and "Tomas Lindqvist" in people.text
        for gone in ("Omar", "Helena", "Yuki"):  # Deleted, inactive, not confirmed.
            assert gone not in people.text
        page = browser.send(people, "user", user=number_of("Tomas", people))
        assert "Tomas Lindqvist" in page.text and "Accept" in page.text
        assert "access_token" in origin.exchange(open_client, browser.send(page, "accept"))

    def test_nobody_is_named_before_the_browser_said_where_it_is(self, open_client, browser):
        page = browser.get(open_client.asks())
        assert "Sign in without a password" in page.text and "Tomas" not in page.text

    def test_no_other_organisation_offers_anybody(self, client, browser, service, crm):
        page = browser.get(client.asks())
        assert "without a password" not in page.text and page.headers["referrer-policy"] == "no-referrer"
        user = service.first_user(service.organisations.find("acme")).id
        here = {"Origin": browser.origin.url}
        for step in ("user", "people"):
            refused = browser.send(page, "password", here, step=step, user=str(user))
            assert "Accept" not in refused.text and "Ana" not in refused.text

    def test_one_with_a_password_is_asked_for_it(self, open_client, browser, service, demo, people):
        service.people.set_password(demo.organisation, ANA, PASSWORD)
        page = browser.send(browser.get(open_client.asks()), "people")
        assert "Ana Moreira" not in page.text and "Tomas Lindqvist" in page.text
        user = service.first_user(service.organisations.find("demo")).id
        assert browser.send(people, "user", user=str(user)).status == 403
        assert "Accept" in sign_in(browser, open_client.asks()).text

    @pytest.mark.parametrize(
        "host", ["evil.example", "evil.example:8788", "192.0.2.1", "", "[", "localhost.evil"]
    )
    def test_a_name_that_leads_here_is_not_this_machine(self, open_client, origin, host):
        # Without this any page could have its name lead here, and click for the user.
        browser = Browser(origin, host or " ")
        page = browser.get(open_client.asks())
        assert page.status == 200 and "without a password" not in page.text
        for step in ("people", "user"):
            forced = browser.send(page, "password", {"Origin": origin.url}, step=step)
            assert forced.status == 403 and "Tomas" not in forced.text

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8788"])
    def test_this_machines_own_names_are(self, open_client, origin, host):
        browser = Browser(origin, host)
        assert "Tomas" in browser.send(browser.get(open_client.asks()), "people").text

    @pytest.mark.parametrize("elsewhere", ["https://crm.example.com", "null", None, "", "http://127.0.0.1:1"])
    def test_a_browser_that_is_elsewhere_is_named_nobody(self, open_client, browser, people, elsewhere):
        said = {} if elsewhere is None else {"Origin": elsewhere}
        page = browser.get(open_client.asks())
        form = {**page.form("people")}
        for step in ({"step": "people"}, {"step": "user", "user": number_of("Tomas", people)}):
            body = urlencode({**form, **step})
            kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": browser.cookie}
            status, _, text = browser.origin.call("POST", "/oauth/v2/auth", body, {**kind, **said})
            assert status == 403 and b"Tomas" not in text and b"Accept" not in text

    @pytest.mark.parametrize(
        "header",
        [
            {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-Proto": "https"}, {"X-Real-IP": "192.0.2.1"},
            {"Via": "1.1 proxy"}, {"Forwarded": "for=192.0.2.1"}, {"X-Forwarded-Host": "crm.example.com"},
        ],
    )  # fmt: skip
    def test_what_a_proxy_passes_on_is_not_from_here(self, open_client, browser, people, header):
        answer = browser.origin.call("GET", open_client.asks(), headers=header)
        assert answer[0] == 200 and b"without a password" not in answer[2]
        refused = browser.send(people, "user", header, user=number_of("Tomas", people))
        assert refused.status == 403 and "Accept" not in refused.text and "Tomas" not in refused.text

    def test_what_comes_by_http_1_0_as_from_nginx_is_not_from_here(self, open_client, origin):
        head = (
            f"GET {open_client.asks()} HTTP/1.0\r\nHost: 127.0.0.1:{origin.port}\r\nConnection: close\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", origin.port), timeout=10) as connection:
            connection.sendall(head.encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert b" 200 " in answer.split(b"\r\n")[0]
        assert b"Sign in" in answer and b"without a password" not in answer

    @pytest.mark.parametrize("user", ["", "x", "7243485000000000000", "é"])
    def test_nobody_else_can_be_chosen(self, browser, people, user):
        refused = browser.send(people, "user", user=user)
        assert refused.status == 403 and "Accept" not in refused.text


def number_of(name, page):
    return page.text.partition(name)[0].rpartition('value="')[2].partition('"')[0]


class TestConsentAgain:
    """What Zoho does with `prompt`, and what so many forget."""

    def test_who_consented_before_is_not_asked_and_gives_no_other_refresh_token(
        self, client, ana, origin, browser
    ):
        page = browser.send(sign_in(browser, client.asks()), "accept")
        assert origin.exchange(client, page)["refresh_token"]
        again = browser.get(client.asks(prompt=None))
        assert "code" in again.callback
        assert "refresh_token" not in origin.exchange(client, again)

    def test_more_scopes_are_asked_for(self, client, ana, origin, browser):
        origin.exchange(client, browser.send(sign_in(browser, client.asks()), "accept"))
        assert "Accept" in browser.get(client.asks(prompt=None, scope="ZohoCRM.org.READ")).text
        fewer = browser.get(client.asks(prompt=None, scope="ZohoCRM.modules.leads.READ"))
        assert "code" in fewer.callback

    def test_who_took_the_access_back_is_asked(self, client, ana, origin, browser):
        given = origin.exchange(client, browser.send(sign_in(browser, client.asks()), "accept"))
        origin.call("POST", f"/oauth/v2/token/revoke?token={given['refresh_token']}")
        assert "Accept" in browser.get(client.asks(prompt=None)).text

    def test_with_prompt_everybody_is_asked(self, client, ana, origin, browser):
        origin.exchange(client, browser.send(sign_in(browser, client.asks()), "accept"))
        assert "Accept" in browser.get(client.asks(prompt="consent")).text


class TestOddBrowsing:
    def test_a_code_works_once(self, client, ana, origin, browser):
        page = browser.send(sign_in(browser, client.asks()), "accept")
        assert "access_token" in origin.exchange(client, page)
        assert origin.exchange(client, page) == {"error": "invalid_code"}

    def test_a_code_ends_after_three_minutes(self, client, ana, origin, browser, clock):
        page = browser.send(sign_in(browser, client.asks()), "accept")
        clock.advance(CODE_LIFETIME)
        assert origin.exchange(client, page) == {"error": "invalid_code"}

    def test_a_second_click_gives_another_code_so_that_whichever_arrives_works(
        self, client, ana, origin, browser
    ):
        page = sign_in(browser, client.asks())
        first, second = browser.send(page, "accept"), browser.send(page, "accept")
        assert first.callback["code"] != second.callback["code"]
        assert all("access_token" in origin.exchange(client, one) for one in (first, second))

    def test_a_second_click_signs_in_as_well(self, client, ana, browser):
        page = browser.get(client.asks())
        before = browser.cookie
        browser.send(page, "password", email=ANA, password=PASSWORD)
        browser.cookie = before  # The second click leaves before the first one's answer is there.
        assert "Accept" in browser.send(page, "password", email=ANA, password=PASSWORD).text

    def test_who_goes_back_may_decide_otherwise(self, client, ana, browser):
        page = sign_in(browser, client.asks())
        assert "error" in browser.send(page, "reject").callback
        assert "code" in browser.send(page, "accept").callback

    def test_who_goes_back_to_the_sign_in_page_is_shown_where_things_are(self, client, ana, browser):
        first = browser.get(client.asks())
        browser.send(first, "password", email=ANA, password=PASSWORD)
        again = browser.send(first, "password", email=ANA, password=PASSWORD)
        assert again.status == 403 and "out of date" in again.text and "Accept" in again.text

    def test_two_tabs_keep_their_requests_apart(self, client, ana, register, origin, browser):
        other = register(name="Second", redirect_uris=("https://second.example/",))
        one = sign_in(browser, client.asks(state="one"))
        two = browser.get(other.asks(state="two", redirect_uri="https://second.example/"))
        first, second = browser.send(one, "accept"), browser.send(two, "accept")
        assert first.location.startswith(CALLBACK) and first.callback["state"] == "one"
        assert second.location.startswith("https://second.example/") and second.callback["state"] == "two"
        assert origin.exchange(other, first) == {"error": "invalid_code"}
        assert "access_token" in origin.exchange(other, second)

    @pytest.mark.parametrize("form_token", ["", "0" * 64, "é", None])
    @pytest.mark.parametrize("step", ["accept", "reject", "other", "password", "user"])
    def test_a_form_that_the_page_did_not_send_does_nothing(self, client, ana, browser, step, form_token):
        page = sign_in(browser, client.asks())
        fields = page.form("accept") | {"step": step}
        fields = {**fields, "form_token": form_token} if form_token is not None else fields
        if form_token is None:
            del fields["form_token"]
        refused = browser._load("POST", "/oauth/v2/auth", urlencode(fields), {})
        assert refused.status == 403 and refused.location is None
        assert "Accept" in browser.get(client.asks()).text

    def test_a_form_token_belongs_to_one_browser(self, client, ana, origin, browser):
        page, other = sign_in(browser, client.asks()), Browser(origin)
        other.get(client.asks())
        assert other.send(page, "accept").status == 403

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_a_form_that_another_site_sends_does_nothing(self, client, ana, browser, site):
        page = sign_in(browser, client.asks())
        assert browser.send(page, "accept", {"Sec-Fetch-Site": site}).status == 403
        assert browser.send(page, "accept", {"Sec-Fetch-Site": "same-origin"}).status == 303

    @pytest.mark.parametrize(
        "header",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "http://127.0.0.1:1"},
            {"Host": "evil.example"},
            {"Content-Type": "text/plain"},
        ],
    )
    def test_nor_does_one_that_cannot_be_this_pages(self, client, ana, browser, header):
        page = sign_in(browser, client.asks())
        refused = browser.send(page, "accept", header)
        assert refused.status == 403 and refused.location is None and "ERROR_foreign_form" in refused.text
        assert "code" in browser.send(page, "accept", {"Origin": browser.origin.url}).callback

    @pytest.mark.parametrize("step", ["", "nonsense"])
    def test_an_answer_that_there_is_not_shows_the_page_anew(self, client, ana, browser, step):
        page = sign_in(browser, client.asks())
        refused = browser.send(page, "accept", step=step)
        assert refused.status == 403 and "Accept" in refused.text

    @pytest.mark.parametrize("cookie", ["x", "moorage_crm_session=", "moorage_crm_session=a b", "=;=", "é=é"])
    def test_a_cookie_that_is_none_of_ours_is_replaced(self, client, ana, origin, cookie):
        browser = Browser(origin)
        browser.cookie = cookie.encode().decode("latin-1")
        assert "Accept" in sign_in(browser, client.asks()).text

    def test_an_eleventh_code_within_ten_minutes_is_denied(self, client, ana, browser):
        page = sign_in(browser, client.asks())
        assert all("code" in browser.send(page, "accept").callback for _ in range(NEW_CODES))
        assert browser.send(page, "accept").callback["error"] == "access_denied"


class TestWhatIsWrongWithTheRequest:
    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"response_type": None}, "ERROR_invalid_response_type"),
            ({"response_type": "token"}, "ERROR_invalid_response_type"),
            ({"client_id": None}, "ERROR_invalid_client"),
            ({"client_id": "1000.NOBODY"}, "ERROR_invalid_client"),
            ({"client_id": "<script>"}, "ERROR_invalid_client"),
            ({"redirect_uri": None}, "ERROR_invalid_redirect_uri"),
            ({"redirect_uri": ""}, "ERROR_invalid_redirect_uri"),
            ({"redirect_uri": CALLBACK + "&more=1"}, "ERROR_invalid_redirect_uri"),
            ({"redirect_uri": "https://evil.example/"}, "ERROR_invalid_redirect_uri"),
            ({"redirect_uri": CALLBACK.replace("127.0.0.1", "localhost")}, "ERROR_invalid_redirect_uri"),
            ({"scope": None}, "ERROR_invalid_scope"),
            ({"scope": ""}, "ERROR_invalid_scope"),
            ({"scope": "ZohoCRM.modules.ALL,<b>"}, "ERROR_invalid_scope"),
            ({"scope": "ZohoCRM.nothing.READ"}, "ERROR_invalid_scope"),
        ],
    )
    def test_the_person_is_told_and_sent_nowhere(self, client, ana, browser, changes, error):
        page = browser.get(client.asks(**changes))
        assert (page.status, page.location) == (400, None)
        assert f"<h1>{error}</h1>" in page.text
        assert "<script>" not in page.text and "<b>" not in page.text

    @pytest.mark.parametrize(
        "changes",
        [
            {"code_challenge": challenge_of("x")},  # By no method means plain.
            {"code_challenge": challenge_of("x"), "code_challenge_method": "plain"},
            {"code_challenge": "short", "code_challenge_method": "S256"},
            {"code_challenge": "", "code_challenge_method": "S256"},
            {"code_challenge_method": "S256"},
            {"access_type": "forever"},
        ],
    )
    def test_a_client_that_is_known_is_told(self, client, ana, browser, changes):
        page = browser.get(client.asks(**changes))
        assert page.callback == {"from": "crm", "error": "invalid_request", "state": STATE}

    def test_a_state_that_no_form_could_carry_is_told_to_the_client(self, client, ana, browser):
        assert "Sign in to" in browser.get(client.asks(state="a" * 4096)).text
        page = browser.get(client.asks(state="a" * 4097))
        assert page.callback == {"from": "crm", "error": "invalid_request"}

    def test_a_list_of_scopes_has_an_end(self, client, ana, browser):
        page = browser.get(client.asks(scope="ZohoCRM.modules.ALL," * 500))
        assert page.status == 400 and "4096" in page.text

    def test_what_a_form_carries_is_checked_like_an_address(self, client, ana, browser):
        page = sign_in(browser, client.asks())
        wrong = client.asks(redirect_uri="https://evil.example/").partition("?")[2]
        assert "ERROR_invalid_redirect_uri" in browser.send(page, "accept", request=wrong).text
        assert "ERROR_invalid_response_type" in browser.send(page, "accept", request="").text

    def test_self_clients_and_clients_of_moorage_itself_send_nobody_here(
        self, self_client, service, crm, ana, browser
    ):
        assert "ERROR_invalid_redirect_uri" in browser.get(self_client.asks()).text
        own = service.credentials(service.organisations.find("acme"))["client_id"]
        assert "ERROR_invalid_client" in browser.get(self_client.asks(client_id=own)).text

    def test_a_client_is_found_in_its_own_data_centre_only(
        self, make_organisation, register, service, origin, browser
    ):
        make_organisation("europe", data_centre="eu")
        european = register("europe")
        row = service.organisations.find("europe")
        service.people.set_password(row.id, ANA, PASSWORD)
        assert "ERROR_invalid_client" in browser.get("/dc/us" + european.asks()).text
        for base in ("/dc/eu", ""):
            fresh = Browser(origin)
            page = fresh.send(sign_in(fresh, base + european.asks()), "accept")
            assert page.callback["location"] == "eu"
            assert page.callback["accounts-server"] == f"{origin.url}/dc/eu"
            assert origin.exchange(european, page)["api_domain"] == f"{origin.url}/dc/eu"


class TestPkce:
    @pytest.fixture
    def verifier(self):
        return secrets.token_urlsafe(32)

    @pytest.fixture
    def page(self, client, ana, browser, verifier):
        asked = client.asks(code_challenge=challenge_of(verifier), code_challenge_method="S256")
        return browser.send(sign_in(browser, asked), "accept")

    def test_the_verifier_opens_the_code(self, client, origin, page, verifier):
        assert "access_token" in origin.exchange(client, page, code_verifier=verifier)

    def test_whoever_caught_the_code_has_no_use_for_it(self, client, origin, page, verifier):
        assert origin.exchange(client, page, code_verifier="guess") == {"error": "invalid_code"}
        assert origin.exchange(client, page, code_verifier=verifier) == {"error": "invalid_code"}


class TestStrangers:
    """Users of one organisation are nobody in another."""

    @pytest.fixture
    def theirs(self, stranger, register, service):
        """The client of another organisation, whose Ana has another password."""
        service.people.set_password(stranger.organisation, ANA, "the other password")
        return register("other", name="Theirs")

    def test_a_password_opens_its_own_organisation_only(self, client, ana, theirs, browser):
        assert sign_in(browser, theirs.asks()).status == 403
        assert sign_in(browser, client.asks(), password="the other password").status == 403

    def test_a_session_is_one_of_its_own_organisation_only(self, client, ana, theirs, browser):
        sign_in(browser, client.asks())
        assert "Sign in to" in browser.get(theirs.asks()).text

    def test_a_form_of_one_organisation_decides_nothing_in_another(self, client, ana, theirs, browser):
        page = sign_in(browser, client.asks())
        refused = browser.send(page, "accept", request=theirs.asks().partition("?")[2])
        assert refused.status == 403 and refused.location is None

    def test_the_tokens_open_its_own_organisation(self, client, ana, theirs, origin, browser, service):
        page = browser.send(sign_in(browser, client.asks()), "accept")
        assert origin.exchange(theirs, page) == {"error": "invalid_code"}
        page = browser.send(sign_in(browser, theirs.asks(), password="the other password"), "accept")
        token = origin.exchange(theirs, page)["access_token"]
        service.accounts.forget()
        principal = service.accounts.principal(f"Bearer {token}")
        assert principal.organisation == service.organisations.find("other").id


def test_no_page_is_kept_framed_or_told_of(client, ana, browser):
    ask = browser.get(client.asks())
    decide = sign_in(browser, client.asks())
    failed = browser.get(client.asks(client_id=None))
    done = browser.send(decide, "accept")
    for page in (ask, decide, failed, done):
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["x-content-type-options"] == "nosniff"
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "<script" not in page.text


def test_a_form_may_lead_to_an_apps_own_scheme(crm, ana, register, browser):
    own = register(name="Phone", redirect_uris=("com.example.app:/back",))
    page = sign_in(browser, own.asks(redirect_uri="com.example.app:/back"))
    policy = page.headers["content-security-policy"]
    assert "form-action 'self' http: https: com.example.app:;" in policy
    assert browser.send(page, "accept").location.startswith("com.example.app:/back?code=")


def test_names_are_shown_as_text(make_organisation, register, service, browser):
    make_organisation("odd", name='<img src=x onerror="alert(1)">')
    odd = register("odd", name="<script>alert(1)</script>")
    service.people.set_password(service.organisations.find("odd").id, ANA, PASSWORD)
    for page in (browser.get(odd.asks()), sign_in(browser, odd.asks())):
        assert "<script>" not in page.text and "<img" not in page.text
        assert "&lt;script&gt;" in page.text and "&lt;img" in page.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_other_methods_are_refused(client, ana, origin, method):
    assert origin.call(method, client.asks())[0] == 405


@pytest.mark.parametrize(
    ("url", "base", "rules"),
    [
        ("https://crm.example", "", "Path=/oauth/v2/auth; Max-Age=600; HttpOnly; SameSite=Lax; Secure"),
        ("http://a.example/c;d/", "", "Path=/c%3Bd/oauth/v2/auth; Max-Age=600; HttpOnly; SameSite=Lax"),
        ("http://a.example", "/dc/us", "Path=/dc/us/oauth/v2/auth; Max-Age=600; HttpOnly; SameSite=Lax"),
    ],
)
def test_the_cookie_goes_to_this_page_only_and_over_https_never_without(
    tmp_path, clock, service, client, url, base, rules
):
    from moorage.crm.service import CrmService
    from moorage.http.message import Request

    behind = CrmService(tmp_path / "crm", clock, lambda: url.rstrip("/"))
    path, _, query = (base + client.asks()).encode().partition(b"?")
    page = behind.answer(Request("GET", path, query))
    assert dict(page.headers)[b"set-cookie"].decode().partition("; ")[2] == rules
    behind.close()
