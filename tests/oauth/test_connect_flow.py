"""A person goes to an accounts server and comes back: which answers count, which are refused, and what each changes."""

import asyncio
import re
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from moorage.digests import challenge_of
from moorage.oauth.connect.attempts import LIFETIME, verifier_of
from moorage.oauth.errors import AccountsUnreachable
from moorage.oauth.model import AccessToken, Client
from moorage.oauth.tokens.renewal import LONGEST_PAUSE
from moorage.oauth.transport.contract import HttpReply, Unanswered
from moorage.web.browser import new_random
from tests.control import in_registry, kept_secrets
from tests.control_database import on_both as database_settings  # noqa: F401
from tests.oauth.conftest import HOUR
from tests.oauth.test_connect_page import says, status_of
from tests.person import Person

ZOHO = {"us": "https://accounts.zoho.com", "eu": "https://accounts.zoho.eu"}


@pytest.fixture
def acme(control):
    return control.organisation("acme", "Acme Corp")


@pytest.fixture
def new_connection(owner, acme):
    return owner.connect()


@pytest.fixture
def person(control):
    return Person(control)


def shown(owner, new_connection):
    return owner.get(f"/connections/{new_connection['id']}").json["connection"]


def sent(person, new_connection, place="crm/acme", **more):
    """Where the connect page sends the browser, and the parameters of that address."""
    answer = person.choose(new_connection["url"], place, **more)
    assert answer.status == 303, answer.text
    return answer.headers["location"], dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def decided(person, url, decision="accept"):
    return person.control.run(person.deciding(url, decision))


def changed(url, **parameters):
    """A callback with other parameters; None removes a parameter."""
    query = dict(parse_qsl(urlsplit(url).query)) | {k.replace("_", "-"): v for k, v in parameters.items()}
    return f"/connect/callback?{urlencode({k: v for k, v in query.items() if v is not None})}"


# What is asked for


def test_every_request_carries_pkce_by_s256_a_long_state_and_asks_for_a_refresh_token(person, new_connection):
    url, asked = sent(person, new_connection)
    assert url.startswith("http://crm.test/oauth/v2/auth?")
    assert re.fullmatch(r"[\w-]{43}", asked["code_challenge"]) and asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) == 43
    assert (asked["access_type"], asked["prompt"]) == ("offline", "consent")
    assert (asked["response_type"], asked["redirect_uri"]) == (
        "code",
        "http://gateway.test/connect/callback",
    )
    _, again = sent(person, new_connection)
    assert not {again["state"], again["code_challenge"]} & {asked["state"], asked["code_challenge"]}


def test_the_browser_is_known_by_a_cookie_that_scripts_and_other_sites_do_not_get(
    control, person, new_connection
):
    answer = person.choose(new_connection["url"], "crm/acme")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/connect/" in cookie
    value = person.cookie.partition("=")[2]
    assert value not in answer.headers["location"] and len(value) == 43
    # A second connection in the same browser does not end the first.
    person.choose(new_connection["url"], "crm/acme")
    assert person.cookie.partition("=")[2] == value


def test_only_what_is_ticked_is_asked_for(control, owner, person, new_connection):
    url, asked = sent(person, new_connection, scopes=["ZohoCRM.users.ALL", "ZohoCRM.org.ALL", "made.up"])
    assert asked["scope"] == "ZohoCRM.users.ALL,ZohoCRM.org.ALL"
    assert person.come_back(decided(person, url)).status == 200
    connection = control.run(control.rooms.connections.get(owner.account, new_connection["id"]))
    token = control.run(control.rooms.tokens.access(connection)).value
    scopes = control.crm.accounts.principal(f"Bearer {token}").scopes
    assert str(scopes) == "ZohoCRM.users.ALL ZohoCRM.org.ALL"


def test_who_allows_reading_alone_is_asked_for_no_more_whatever_is_ticked(
    control, owner, person, new_connection
):
    url, asked = sent(person, new_connection, access="read")
    assert asked["scope"].split(",") == list(control.rooms.providers.get("zoho-crm").read_scopes)
    assert person.come_back(decided(person, url)).status == 200
    connection = owner.get(f"/connections/{new_connection['id']}").json["connection"]
    assert connection["status"] == "ACTIVE" and connection["metadata"]["organisation"]
    assert not [scope for scope in connection["metadata"]["scopes"] if not scope.endswith(".READ")]


def test_with_nothing_ticked_nobody_is_sent_away(person, new_connection):
    assert says(person.choose(new_connection["url"], "crm/acme", scopes=[]), 403, "No scope was ticked")


# Coming back


def test_who_accepted_is_shown_whose_account_it_is(owner, person, new_connection):
    url, _ = sent(person, new_connection)
    done = person.come_back(decided(person, url))
    assert says(done, 200, "Connected to Acme Corp")
    connection = shown(owner, new_connection)
    assert connection["status"] == "ACTIVE"
    metadata = connection["metadata"]
    assert metadata.keys() == {"organisation", "organisation_id", "user", "data_centre", "scopes"}
    assert (metadata["organisation"], metadata["data_centre"]) == ("Acme Corp", "embedded")
    assert metadata["user"] in done.text


def test_who_declined_is_told_and_may_try_again(owner, person, new_connection):
    url, _ = sent(person, new_connection)
    page = person.come_back(decided(person, url, "reject"))
    assert says(page, 400, "declined")
    connection = shown(owner, new_connection)
    assert (connection["status"], connection["metadata"]["reason"]) == ("FAILED", "access_denied")
    again = re.search(r'href="([^"]+)">Try again', page.text).group(1)
    assert says(person.connect(again, "acme"), 200, "Connected to Acme Corp")
    assert (
        "reason" not in shown(owner, new_connection)["metadata"]
        and status_of(owner, new_connection) == "ACTIVE"
    )


def test_declining_to_connect_anew_leaves_the_connection_as_it_was(control, owner, person, acme):
    connection = owner.connect("acme")
    before, secrets = shown(owner, connection), kept_secrets(control)
    url, _ = sent(person, connection)
    assert says(person.come_back(decided(person, url, "reject")), 400, "declined")
    after = shown(owner, connection)
    assert {**after, "url": ""} == {**before, "url": ""} and kept_secrets(control) == secrets


def test_connecting_anew_keeps_the_id(owner, person, control, acme):
    control.organisation("other", "Other")
    connection = owner.connect("acme")
    assert says(person.connect(connection["url"], "other"), 200, "Connected to Other")
    after = shown(owner, connection)
    assert (after["id"], after["status"], after["metadata"]["organisation"]) == (
        connection["id"],
        "ACTIVE",
        "Other",
    )


def test_an_answer_counts_once_and_is_told_the_same_again(control, owner, person, new_connection):
    url, _ = sent(person, new_connection)
    back = decided(person, url)
    assert says(person.come_back(back), 200, "Connected to Acme Corp")
    secrets = kept_secrets(control)
    assert says(person.come_back(back), 200, "Connected to Acme Corp")
    assert kept_secrets(control) == secrets


def test_two_answers_at_once_make_one_connection(control, owner, person, new_connection):
    url, _ = sent(person, new_connection)
    back = decided(person, url)
    answers = control.together(*(person.coming_back(back) for _ in range(4)))
    assert [answer.status for answer in answers] == [200] * 4
    assert in_registry(control, "SELECT count(*) FROM refresh_tokens") == [[(1,)]]


def test_another_browser_can_not_bring_the_answer(control, owner, person, new_connection):
    url, _ = sent(person, new_connection)
    back = decided(person, url)
    for thief in (Person(control), Person(control)):
        assert says(thief.come_back(back), 400, "does not belong")
        thief.cookie = f"moorage-connect={new_random()}"
        assert says(thief.come_back(back), 400, "does not belong")
    assert status_of(owner, new_connection) == "PENDING"
    assert says(person.come_back(back), 200, "Connected to Acme Corp")
    # And not even what came of it is told to another one.
    assert says(thief.come_back(back), 400, "does not belong")


@pytest.mark.parametrize("state", ["", "x", "é" * 43, "A" * 43, None, "\0" * 43, "a" * 11_000])
def test_a_forged_state_does_nothing(owner, person, new_connection, state):
    url, _ = sent(person, new_connection)
    back = decided(person, url)
    assert says(person.come_back(changed(back, state=state)), 400, "does not belong")
    assert status_of(owner, new_connection) == "PENDING"
    assert person.come_back(back).status == 200


@pytest.mark.parametrize("query", ["", "code=x", "error=access_denied", "state=%ff", "=&=&", "a" * 9000])
def test_a_garbled_answer_does_nothing(person, new_connection, query):
    sent(person, new_connection)
    assert says(person.come_back(f"/connect/callback?{query}"), 400, "does not belong")


def test_an_answer_that_takes_too_long_is_refused(control, owner, person, new_connection):
    url, _ = sent(person, new_connection)
    back = decided(person, url)
    control.clock.advance(LIFETIME)
    assert says(person.come_back(back), 400, "does not belong")
    assert status_of(owner, new_connection) == "PENDING"


def test_who_only_looks_at_the_answers_address_spends_nothing(control, person, new_connection):
    url, _ = sent(person, new_connection)
    back = urlsplit(decided(person, url))
    target = f"{back.path}?{back.query}"
    assert control.call("HEAD", target, headers=[("cookie", person.cookie)]).status == 200
    assert says(person.come_back(target), 200, "Connected")


@pytest.mark.parametrize(
    "forged",
    [
        {"accounts_server": "https://accounts.zoho.com.evil.test"},
        {"accounts_server": "http://crm.test/dc/eu"},
        {"accounts_server": "//crm.test"},
        {"iss": "https://evil.test"},
    ],
)
def test_an_answer_in_anothers_name_sends_the_code_nowhere(control, owner, person, new_connection, forged):
    url, _ = sent(person, new_connection)
    back = decided(person, url)
    assert says(person.come_back(changed(back, **forged)), 400, "another accounts server")
    assert status_of(owner, new_connection) == "PENDING" and kept_secrets(control) == []


def test_a_code_that_is_no_good_fails_the_connection(owner, person, new_connection):
    url, _ = sent(person, new_connection)
    page = person.come_back(changed(decided(person, url), code="1000.made.up"))
    assert says(page, 400, "no longer valid")
    assert shown(owner, new_connection)["metadata"] == {"reason": "invalid_code"}


def test_a_connection_deleted_meanwhile_is_told(owner, person, new_connection):
    url, _ = sent(person, new_connection)
    back = decided(person, url)
    owner.call("DELETE", f"/connections/{new_connection['id']}")
    assert says(person.come_back(back), 400, "does not belong")


def test_a_connection_connected_meanwhile_stays_as_it_is(control, owner, person, new_connection):
    control.organisation("other", "Other")
    url, _ = sent(person, new_connection)
    back = decided(person, url)
    assert Person(control).connect(new_connection["url"], "other").status == 200
    assert says(person.come_back(back), 400, "meanwhile")
    assert shown(owner, new_connection)["metadata"]["organisation"] == "Other"


def test_an_organisation_deleted_meanwhile_is_told(control, person, new_connection):
    url, _ = sent(person, new_connection)
    back = decided(person, url)
    control.crm.organisations.delete("acme")
    assert says(person.come_back(back), 403, "no such organisation")


def test_the_database_holds_neither_state_nor_verifier_nor_cookie(control, person, new_connection):
    _, asked = sent(person, new_connection)
    cookie = person.cookie.partition("=")[2]
    verifier = verifier_of(asked["state"], cookie)
    assert challenge_of(verifier) == asked["code_challenge"]
    files = [file for file in control.settings.home.rglob("*") if file.is_file()]
    for secret in (asked["state"], cookie, verifier):
        assert not [file for file in files if secret.encode() in file.read_bytes()]


def test_attempts_do_not_pile_up(control, person, new_connection):
    for _ in range(60):
        sent(person, new_connection)

    async def count():
        async with control.rooms.database.transaction() as tx:
            row = await tx.connection.exec_driver_sql("SELECT count(*) FROM connect_attempts")
            return row.scalar()

    assert control.run(count()) <= 51
    control.clock.advance(LIFETIME + 1)
    person.choose(new_connection["url"], "crm/acme")
    assert control.run(count()) == 1


# Outside


class Zoho:
    """Answers calls to apps as a test says, and remembers them."""

    def __init__(self, control):
        self.calls = []
        self.token = {
            "access_token": "outside-access",
            "refresh_token": "outside-refresh",
            "expires_in": 3600,
        }
        self.status = 200
        self.identity = 200
        self.silent = False
        control.rooms.accounts._outside = self.send

    async def send(self, call):
        self.calls.append(call)
        await asyncio.sleep(0)
        if self.silent:
            raise Unanswered("accounts.zoho.com could not be reached.", sent=False)
        if call.url.endswith("/oauth/v2/token"):
            import json

            return HttpReply(self.status, json.dumps(self.token).encode())
        if self.identity != 200:
            return HttpReply(self.identity, b'{"code": "INVALID_TOKEN"}' if self.identity == 401 else b"")
        if "/users" in call.url:
            return HttpReply(200, b'{"users": [{"email": "somebody@example.test"}]}')
        return HttpReply(200, b'{"org": [{"company_name": "Outside Ltd", "zgid": "7"}]}')

    @property
    def hosts(self):
        return [urlsplit(call.url).hostname for call in self.calls]

    @property
    def form(self):
        return dict(parse_qsl(self.calls[0].body.decode()))


@pytest.fixture
def zoho(control):
    control.run(control.rooms.oauth_clients.set("zoho", None, Client("our-id", "our-secret")))
    return Zoho(control)


@pytest.fixture
def pending(owner):
    return owner.connect()


def back_from(asked, **parameters):
    query = {"state": asked["state"], "code": "the-code"} | {
        k.replace("_", "-"): v for k, v in parameters.items()
    }
    return f"/connect/callback?{urlencode(query)}"


def test_without_a_client_nothing_outside_is_offered(person, owner, new_connection):
    page = person.control.call("GET", f"/connect/?{urlsplit(new_connection['url']).query}").text
    text = page.partition("</style>")[2]
    assert text and "accounts.zoho" not in text and "environment" not in text
    assert says(person.choose(new_connection["url"], "us"), 403, "no such organisation or data centre")


def test_with_a_client_every_data_centre_is_offered(person, zoho, pending):
    text = person.control.call("GET", f"/connect/?{urlsplit(pending['url']).query}").text
    places = re.findall(r'name="place" value="([^"]+)"', text)
    assert places == ["detect", "us", "eu", "in", "cn", "jp", "au", "ca", "sa"]
    assert "Canada (accounts.zohocloud.ca)" in text
    assert re.findall(r"<option>(\w+)</option>", text) == ["production", "sandbox", "developer"]


def test_the_chosen_data_centre_is_where_people_sign_in_and_calls_go(control, owner, person, zoho, pending):
    url, asked = sent(person, pending, "eu")
    assert url.startswith("https://accounts.zoho.eu/oauth/v2/auth?")
    assert asked["client_id"] == "our-id" and "our-secret" not in url
    page = person.come_back(back_from(asked, location="eu", accounts_server=ZOHO["eu"]))
    assert says(page, 200, "Connected to Outside Ltd")
    assert zoho.hosts == ["accounts.zoho.eu", "www.zohoapis.eu", "www.zohoapis.eu"]
    cookie = person.cookie.partition("=")[2]
    assert zoho.form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "client_id": "our-id",
        "client_secret": "our-secret",
        "redirect_uri": "http://gateway.test/connect/callback",
        "code_verifier": verifier_of(asked["state"], cookie),
    }
    assert "the-code" not in repr(zoho.calls) and "our-secret" not in repr(zoho.calls)
    connection = control.run(control.rooms.connections.get(owner.account, pending["id"]))
    assert connection.upstream.base_url == "https://www.zohoapis.eu"
    assert connection.metadata == {
        "organisation": "Outside Ltd",
        "organisation_id": "7",
        "user": "somebody@example.test",
        "data_centre": "eu",
        "scopes": asked["scope"].split(","),
    }
    assert control.run(control.rooms.tokens.access(connection)).value == "outside-access"


def test_a_data_centre_that_nobody_knew_is_found_by_the_answer(control, owner, person, zoho, pending):
    url, asked = sent(person, pending, "detect")
    assert url.startswith("https://accounts.zoho.com/")
    person.come_back(back_from(asked, location="ca", accounts_server="https://accounts.zohocloud.ca"))
    assert zoho.hosts[0] == "accounts.zohocloud.ca"
    assert shown(owner, pending)["metadata"]["data_centre"] == "ca"


def test_a_sandbox_is_signed_in_at_the_same_place_and_called_elsewhere(control, owner, person, zoho, pending):
    _, asked = sent(person, pending, "eu", environment="sandbox")
    zoho.token["api_domain"] = "https://www.zohoapis.eu"
    person.come_back(back_from(asked, location="eu", accounts_server=ZOHO["eu"]))
    connection = control.run(control.rooms.connections.get(owner.account, pending["id"]))
    assert connection.upstream.base_url == "https://sandbox.zohoapis.eu"
    assert connection.metadata["environment"] == "sandbox"
    assert says(person.choose(owner.connect()["url"], "eu", environment="moon"), 403, "no environment")


def test_the_api_that_the_token_names_counts(owner, person, zoho, pending):
    _, asked = sent(person, pending, "us")
    zoho.token["api_domain"] = "https://www.zohoapis.in"
    person.come_back(back_from(asked))
    assert shown(owner, pending)["metadata"]["data_centre"] == "in"
    assert zoho.hosts == ["accounts.zoho.com", "www.zohoapis.in", "www.zohoapis.in"]


@pytest.mark.parametrize(
    "forged",
    [
        {"accounts_server": "https://accounts.zoho.eu.evil.test"},
        {"accounts_server": "https://evil.test/accounts.zoho.com"},
        {"accounts_server": "http://accounts.zoho.com"},
        {"accounts_server": "https://accounts.zoho.com:8443"},
        {"accounts_server": "https://accounts.zoho.com@evil.test"},
        {"accounts_server": "https://[::1"},
        {"location": "moon"},
        {"location": "us", "accounts_server": ZOHO["eu"]},
        {"accounts_server": ZOHO["us"], "iss": "https://evil.test"},
    ],
)
def test_a_code_goes_to_no_server_that_is_not_declared(owner, person, zoho, pending, forged):
    _, asked = sent(person, pending, "us")
    assert says(person.come_back(back_from(asked, **forged)), 400, "does not belong to Zoho CRM")
    assert zoho.calls == [] and status_of(owner, pending) == "PENDING"


def test_a_data_centre_without_a_client_says_how_to_set_one(control, owner, person, pending):
    control.run(control.rooms.oauth_clients.set("zoho", "us", Client("us-id", "us-secret")))
    zoho = Zoho(control)
    _, asked = sent(person, pending, "us")
    page = person.come_back(back_from(asked, location="eu", accounts_server=ZOHO["eu"]))
    assert says(page, 403, "there is no OAuth client") and "--data-centre eu" in page.text
    assert zoho.calls == []


def test_each_data_centre_may_have_a_client_of_its_own(control, person, zoho, pending):
    control.run(control.rooms.oauth_clients.set("zoho", "eu", Client("eu-id", "eu-secret")))
    _, asked = sent(person, pending, "us")
    assert asked["client_id"] == "our-id"
    person.come_back(back_from(asked, location="eu", accounts_server=ZOHO["eu"]))
    assert (zoho.form["client_id"], zoho.form["client_secret"]) == ("eu-id", "eu-secret")


@pytest.mark.parametrize("code", ["invalid_client", "invalid_client_secret", "invalid_redirect_uri", "x"])
def test_what_the_accounts_server_refuses_is_told_with_what_to_do(owner, person, zoho, pending, code):
    zoho.token = {"error": code}
    _, asked = sent(person, pending, "us")
    page = person.come_back(back_from(asked))
    assert page.status == 400 and "Try again" in page.text and len(page.text) > 500
    connection = shown(owner, pending)
    assert (connection["status"], connection["metadata"]["reason"]) == ("FAILED", code)


def test_without_a_refresh_token_it_does_not_become_active(control, owner, person, zoho, pending):
    del zoho.token["refresh_token"]
    _, asked = sent(person, pending, "us")
    assert says(person.come_back(back_from(asked)), 400, "no refresh token")
    connection = shown(owner, pending)
    assert (connection["status"], connection["metadata"]["reason"]) == ("FAILED", "no_refresh_token")
    assert [row for row in kept_secrets(control) if row.owner_id == pending["id"]] == []


def test_an_api_that_refuses_the_new_token_fails_the_connection(owner, person, zoho, pending):
    zoho.identity = 401
    _, asked = sent(person, pending, "us")
    assert says(person.come_back(back_from(asked)), 400, "does not accept the token")
    assert shown(owner, pending)["metadata"]["reason"] == "INVALID_TOKEN"


def test_an_api_that_does_not_say_who_it_is_can_be_connected_all_the_same(owner, person, zoho, pending):
    zoho.identity = 503
    _, asked = sent(person, pending, "us")
    assert says(person.come_back(back_from(asked)), 200, "Connected to Zoho CRM")
    assert shown(owner, pending)["metadata"].keys() == {"data_centre", "scopes"}


def test_an_accounts_server_that_is_not_there_changes_nothing(owner, person, zoho, pending):
    zoho.silent = True
    _, asked = sent(person, pending, "us")
    back = back_from(asked)
    page = person.come_back(back)
    assert says(page, 400, "gave no answer") and "Try again" in page.text
    assert status_of(owner, pending) == "PENDING"
    assert says(person.come_back(back), 400, "gave no answer")


def test_no_refresh_token_of_an_earlier_grant_stays_behind(control, owner, acme):
    created = owner.connect("acme")
    connection = control.run(control.rooms.connections.get(owner.account, created["id"]))

    async def keep_one_without():
        async with control.rooms.database.transaction() as tx:
            await control.rooms.tokens.keep(tx, connection.id, AccessToken("only", None), None)

    control.run(keep_one_without())
    assert [row.kind for row in kept_secrets(control)] == ["access_token"]


def test_scopes_that_were_asked_for_and_not_given_are_shown(owner, person, zoho, pending):
    zoho.token["scope"] = "ZohoCRM.modules.ALL ZohoCRM.ORG.all"
    _, asked = sent(
        person, pending, "us", scopes=["ZohoCRM.modules.ALL", "ZohoCRM.org.ALL", "ZohoCRM.users.ALL"]
    )
    page = person.come_back(back_from(asked))
    assert "ZohoCRM.users.ALL" in page.text and "ZohoCRM.org.ALL" not in page.text
    metadata = shown(owner, pending)["metadata"]
    assert metadata["scopes"] == ["ZohoCRM.modules.ALL", "ZohoCRM.ORG.all"]
    assert metadata["scopes_missing"] == ["ZohoCRM.users.ALL"]


def test_a_refresh_goes_to_the_data_centre_with_its_client(control, owner, person, zoho, pending):
    _, asked = sent(person, pending, "eu")
    person.come_back(back_from(asked, location="eu", accounts_server=ZOHO["eu"]))
    connection = control.run(control.rooms.connections.get(owner.account, pending["id"]))
    zoho.calls.clear()
    zoho.token = {"access_token": "fresh", "expires_in": 3600}
    token = control.run(control.rooms.tokens.access(connection, instead_of="outside-access"))
    assert token.value == "fresh" and zoho.hosts == ["accounts.zoho.eu"]
    assert zoho.form == {
        "grant_type": "refresh_token",
        "refresh_token": "outside-refresh",
        "client_id": "our-id",
        "client_secret": "our-secret",
    }


@pytest.mark.parametrize("code", ["invalid_client", "invalid_client_secret"])
def test_a_client_that_is_set_wrong_costs_no_connection(control, owner, person, zoho, pending, code):
    _, asked = sent(person, pending, "us")
    person.come_back(back_from(asked))
    connection = control.run(control.rooms.connections.get(owner.account, pending["id"]))
    control.clock.advance(HOUR)
    good, zoho.token = zoho.token, {"error": code}
    with pytest.raises(AccountsUnreachable):
        control.run(control.rooms.tokens.access(connection))
    assert status_of(owner, pending) == "ACTIVE"
    findings = owner.get(f"/connections/{pending['id']}/diagnosis").json["findings"]
    assert code in [finding["code"] for finding in findings]
    control.clock.advance(LONGEST_PAUSE)
    zoho.token = good
    assert control.run(control.rooms.tokens.access(connection)).value == "outside-access"


def test_deleting_revokes_outside_first_and_says_so(control, owner, person, zoho, pending):
    _, asked = sent(person, pending, "us")
    person.come_back(back_from(asked))
    zoho.calls.clear()
    gone = owner.call("DELETE", f"/connections/{pending['id']}").json
    assert gone["revocation"]["status"] == "revoked"
    [call] = zoho.calls
    assert call.url == "https://accounts.zoho.com/oauth/v2/token/revoke"
    assert parse_qs(call.body.decode()) == {"token": ["outside-refresh"]}
    assert [row for row in kept_secrets(control) if row.owner_id == pending["id"]] == []


@pytest.mark.parametrize("trouble", ["silent", "refuses"])
def test_deleting_goes_on_when_the_app_can_not_be_told(control, owner, person, zoho, pending, trouble):
    _, asked = sent(person, pending, "us")
    person.come_back(back_from(asked))
    zoho.silent, zoho.identity = trouble == "silent", 401
    gone = owner.call("DELETE", f"/connections/{pending['id']}").json
    assert gone["revocation"]["status"] == "failed" and "account's settings" in gone["revocation"]["message"]
    assert owner.get("/connections").json == {"connections": []}
