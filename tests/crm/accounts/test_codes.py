"""Grant codes, and what they and clients are exchanged for."""

import pytest

from moorage.crm.accounts.clients import CODE_LIFETIME, NEW_CODES
from moorage.crm.accounts.errors import OwnerGone
from moorage.crm.accounts.model import Grant
from moorage.crm.errors import ClientInvalid, ClientNotFound, CodesExhausted, ScopesInvalid
from moorage.digests import challenge_of
from tests.crm.accounts.conftest import CALLBACK, SCOPES

INVALID_CODE = (200, {"error": "invalid_code"})
VERIFIER = "a-verifier-of-more-than-forty-three-characters-in-all"


@pytest.fixture
def consented(service):
    """A code as the consent page gives it to a client."""

    def consented(registered, **more):
        client = registered.client
        grant = Grant(client.client_id, client.organisation, client.user, SCOPES.replace(",", " "))
        return service.clients.new_code(client, grant, **{"redirect_uri": CALLBACK, **more})

    return consented


def test_a_self_clients_code_gives_both_tokens_once(self_client, code_of, exchange, works):
    code = code_of(self_client)
    status, tokens = exchange(self_client, code)
    access, refresh = tokens.pop("access_token"), tokens.pop("refresh_token")
    assert (status, tokens) == (
        200,
        {
            "scope": SCOPES.replace(",", " "),
            "api_domain": "http://127.0.0.1:8788",
            "token_type": "Bearer",
            "expires_in": 3600,
        },
    )
    assert refresh.startswith("1000.") and refresh != access
    assert works(access)
    assert exchange(self_client, code) == INVALID_CODE


@pytest.mark.parametrize("more", [{"redirect_uri": None}, {"redirect_uri": "https://any.example/"}])
def test_a_self_clients_code_needs_no_redirect_uri(self_client, code_of, exchange, more):
    assert "access_token" in exchange(self_client, code_of(self_client), **more)[1]


def test_a_code_ends_after_three_minutes(client, consented, exchange, clock):
    early, late = consented(client), consented(client)
    clock.advance(CODE_LIFETIME - 1)
    assert "access_token" in exchange(client, early, redirect_uri=CALLBACK)[1]
    clock.advance(1)
    assert exchange(client, late, redirect_uri=CALLBACK) == INVALID_CODE


def test_an_operator_may_let_a_code_live_longer(self_client, code_of, exchange, clock):
    code = code_of(self_client, lifetime=600)
    clock.advance(599)
    assert "access_token" in exchange(self_client, code)[1]


@pytest.mark.parametrize(
    "uri", [None, "", "http://127.0.0.1:9/callback", CALLBACK + "/", CALLBACK.replace("1:9", "1:10")]
)
def test_the_redirect_uri_has_to_be_the_one_of_the_request_and_a_wrong_one_spends_the_code(
    client, consented, exchange, uri
):
    code = consented(client)
    assert exchange(client, code, redirect_uri=uri) == (200, {"error": "invalid_redirect_uri"})
    assert exchange(client, code, redirect_uri=CALLBACK) == INVALID_CODE


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "1000.NOBODY"}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
        ({"client_secret": "x"}, "invalid_client_secret"),
        ({"client_secret": None}, "invalid_client_secret"),
        ({"code": None}, "invalid_code"),
        ({"code": "1000.made.up"}, "invalid_code"),
    ],
)
def test_who_is_not_the_client_gets_nothing_and_spends_nothing(client, consented, ask, changes, error):
    code = consented(client)
    values = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    assert ask(client, **{**values, **changes}) == (200, {"error": error})
    assert "access_token" in ask(client, **values)[1]


def test_a_code_belongs_to_its_client(client, register, consented, exchange):
    other, code = register(name="Other"), consented(client)
    assert exchange(other, code, redirect_uri=CALLBACK) == INVALID_CODE
    assert "access_token" in exchange(client, code, redirect_uri=CALLBACK)[1]


def test_a_strangers_client_can_not_use_a_code(client, stranger, register, consented, exchange):
    code = consented(client)
    assert exchange(register("other"), code, redirect_uri=CALLBACK) == INVALID_CODE


def test_the_verifier_has_to_fit_the_challenge(client, consented, exchange):
    code = consented(client, challenge=challenge_of(VERIFIER))
    assert "access_token" in exchange(client, code, redirect_uri=CALLBACK, code_verifier=VERIFIER)[1]


@pytest.mark.parametrize("verifier", [None, "", "wrong", VERIFIER.upper(), challenge_of(VERIFIER), "é"])
def test_a_wrong_verifier_spends_the_code(client, consented, exchange, verifier):
    code = consented(client, challenge=challenge_of(VERIFIER))
    assert exchange(client, code, redirect_uri=CALLBACK, code_verifier=verifier) == INVALID_CODE
    assert exchange(client, code, redirect_uri=CALLBACK, code_verifier=VERIFIER) == INVALID_CODE


def test_a_verifier_without_a_challenge_is_refused(client, consented, exchange):
    assert exchange(client, consented(client), redirect_uri=CALLBACK, code_verifier=VERIFIER) == INVALID_CODE


def test_the_challenge_is_that_of_the_standard():
    # The example of RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_without_offline_access_there_is_no_refresh_token(client, consented, exchange, works):
    tokens = exchange(client, consented(client, offline=False), redirect_uri=CALLBACK)[1]
    assert "refresh_token" not in tokens
    assert works(tokens["access_token"])


def test_a_client_gets_ten_codes_in_ten_minutes(self_client, register, code_of, clock):
    for _ in range(NEW_CODES):
        code_of(self_client)
    with pytest.raises(CodesExhausted):
        code_of(self_client)
    assert code_of(register(name="Another", self_client=True))
    clock.advance(600)
    assert code_of(self_client)


class TestOfTheClientItself:
    @pytest.fixture
    def soid(self, crm):
        return f"ZohoCRM.{crm.get('org').json['org'][0]['zgid']}"

    def test_it_acts_in_its_organisation_without_a_refresh_token(self, client, ask, soid, works):
        values = {"grant_type": "client_credentials", "scope": SCOPES, "soid": soid}
        status, tokens = ask(client, **values)
        assert status == 200 and works(tokens.pop("access_token"))
        assert tokens == {
            "scope": SCOPES.replace(",", " "),
            "api_domain": "http://127.0.0.1:8788",
            "token_type": "Bearer",
            "expires_in": 3600,
        }

    @pytest.mark.parametrize("wrong", [None, "", "ZohoCRM.1", "600000001", "ZohoBooks.607243485"])
    def test_it_names_its_organisation(self, client, ask, wrong):
        status, tokens = ask(client, grant_type="client_credentials", scope=SCOPES, soid=wrong)
        assert (status, tokens["error"]) == (200, "general_error")
        assert "zgid" in tokens["error_description"]

    def test_it_can_not_act_in_another_organisation(self, client, stranger, ask):
        soid = f"ZohoCRM.{stranger.get('org').json['org'][0]['zgid']}"
        status, tokens = ask(client, grant_type="client_credentials", scope=SCOPES, soid=soid)
        assert (status, tokens["error"]) == (200, "general_error")

    @pytest.mark.parametrize("scope", [None, "", "nonsense", "ZohoCRM.nothing.READ", SCOPES + ",x"])
    def test_it_names_scopes_that_there_are(self, client, ask, soid, scope):
        tokens = ask(client, grant_type="client_credentials", scope=scope, soid=soid)
        assert tokens == (200, {"error": "invalid_scope"})

    def test_it_gets_ten_tokens_in_ten_minutes(self, client, ask, soid, clock):
        values = {"grant_type": "client_credentials", "scope": SCOPES, "soid": soid}
        assert all("access_token" in ask(client, **values)[1] for _ in range(10))
        assert ask(client, **values)[1]["error"] == "Access Denied"
        clock.advance(600)
        assert "access_token" in ask(client, **values)[1]


class TestRegistration:
    @pytest.mark.parametrize(
        "uri",
        [
            "https://app.example/callback",
            "http://127.0.0.1:3000/callback?a=b",
            "http://[::1]:3000/",
            "com.example.app:/callback",
        ],
    )
    def test_a_redirect_uri_is_an_address_or_an_apps_own(self, crm, register, uri):
        assert register(redirect_uris=(uri,)).client.redirect_uris == (uri,)

    @pytest.mark.parametrize(
        "uri",
        [
            "",
            "callback",
            "/callback",
            "https://",
            "https://app.example/#part",
            "https://app.example/a b",
            "https://app.example/é",
            "https://app.example/\r\nX: y",
            "https://me@app.example/",
            "https://app.example:x/",
            "https://app.example\\@evil.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https://app.example/" + "a" * 2000,
        ],
    )
    def test_nothing_else_is(self, crm, register, uri):
        with pytest.raises(ClientInvalid):
            register(redirect_uris=(uri,))

    @pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
    def test_a_name_can_be_shown(self, crm, register, name):
        with pytest.raises(ClientInvalid):
            register(name=name)

    def test_a_client_has_a_redirect_uri_and_a_self_client_none(self, crm, service, register):
        with pytest.raises(ClientInvalid):
            register(redirect_uris=())
        row = service.organisations.find("acme")
        with pytest.raises(ClientInvalid):
            service.clients.register("Both", row.id, 1, (CALLBACK,), self_client=True)

    def test_only_self_clients_get_codes_without_consent(self, client, code_of):
        with pytest.raises(ClientInvalid):
            code_of(client)

    @pytest.mark.parametrize("scopes", ["", "x", "ZohoCRM.nothing.ALL"])
    def test_a_code_is_for_scopes_that_there_are(self, self_client, code_of, scopes):
        with pytest.raises(ScopesInvalid):
            code_of(self_client, scopes)

    def test_a_deleted_client_takes_its_codes_and_tokens_along(
        self, self_client, service, code_of, exchange, refresh_as, works
    ):
        tokens = exchange(self_client, code_of(self_client))[1]
        code = code_of(self_client)
        assert works(tokens["access_token"])
        service.clients.remove(self_client.id)
        assert exchange(self_client, code) == (200, {"error": "invalid_client"})
        assert refresh_as(self_client, tokens["refresh_token"]) == (200, {"error": "invalid_client"})
        assert not works(tokens["access_token"])
        assert service.clients.list() == []

    def test_a_client_deleted_in_this_moment_is_unknown(self, self_client, service, code_of):
        service.clients.remove(self_client.id)
        grant = Grant(self_client.id, self_client.client.organisation, 1, SCOPES)
        for late in (
            lambda: service.clients.new_code(self_client.client, grant),
            lambda: service.accounts.grant(self_client.client, grant),
            lambda: service.accounts.grant_access(self_client.client, grant),
        ):
            with pytest.raises(OwnerGone):
                late()

    def test_the_clients_of_moorage_itself_are_neither_listed_nor_deleted(self, service, crm):
        credentials = service.credentials(service.organisations.find("acme"))
        assert service.clients.list() == []
        with pytest.raises(ClientNotFound):
            service.clients.remove(credentials["client_id"])


def test_codes_and_secrets_are_kept_as_digests_only(tmp_path, self_client, code_of, exchange):
    tokens = exchange(self_client, code_of(self_client))[1]
    code = code_of(self_client)
    for file in (tmp_path / "crm").glob("registry.db*"):
        held = file.read_bytes()
        for secret in (code, self_client.secret, tokens["access_token"], tokens["refresh_token"]):
            assert secret.encode() not in held


@pytest.mark.parametrize("offline", [True, False])
def test_a_code_that_is_tried_again_takes_back_what_was_given_for_it(
    client, consented, exchange, refresh_as, works, offline
):
    code, other = consented(client, offline=offline), consented(client, offline=offline)
    tokens = exchange(client, code, redirect_uri=CALLBACK)[1]
    kept = exchange(client, other, redirect_uri=CALLBACK)[1]
    assert works(tokens["access_token"]) and works(kept["access_token"])
    assert exchange(client, code, redirect_uri=CALLBACK) == INVALID_CODE
    assert not works(tokens["access_token"]) and works(kept["access_token"])
    if offline:
        assert refresh_as(client, tokens["refresh_token"]) == INVALID_CODE
        assert "access_token" in refresh_as(client, kept["refresh_token"])[1]


def test_a_code_that_another_client_tries_again_takes_nothing_back(
    client, register, consented, exchange, works
):
    code, other = consented(client), register(name="Another")
    tokens = exchange(client, code, redirect_uri=CALLBACK)[1]
    assert exchange(other, code, redirect_uri=CALLBACK) == INVALID_CODE
    assert works(tokens["access_token"])
