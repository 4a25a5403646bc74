"""Each of Zoho's data centres has a base path, and knows nothing of the others' clients and tokens."""

import pytest

from moorage.crm.accounts.authorization import AuthorizationInvalid, read
from moorage.crm.centres import CENTRES, Site, split
from moorage.crm.errors import OrganisationInvalid
from moorage.crm.metadata.standard import DEMO
from tests.waited import wait

ORIGIN = "http://127.0.0.1:8788"
INVALID_TOKEN = {
    "code": "INVALID_TOKEN", "details": {}, "message": "invalid oauth token", "status": "error",
}  # fmt: skip


@pytest.fixture
def european(make_organisation, register):
    make_organisation("europe", data_centre="eu")
    return register("europe", self_client=True)


@pytest.fixture
def european_token(european, code_of, exchange):
    return exchange(european, code_of(european), base="/dc/eu")[1]


@pytest.fixture
def get(nobody):
    def get(path, token):
        answer = nobody.call("GET", path, headers={"Authorization": f"Bearer {token}"})
        return answer.status, answer.json

    return get


@pytest.mark.parametrize("centre", CENTRES)
def test_every_centre_names_its_own_base(make_organisation, register, code_of, exchange, refresh_as, centre):
    make_organisation(f"org-{centre}", data_centre=centre)
    client, base = register(f"org-{centre}", self_client=True), f"/dc/{centre}"
    tokens = exchange(client, code_of(client), base=base)[1]
    assert tokens["api_domain"] == f"{ORIGIN}{base}"
    assert refresh_as(client, tokens["refresh_token"], base)[1]["api_domain"] == f"{ORIGIN}{base}"


def test_a_token_opens_its_own_centre_and_the_root(european_token, get):
    token = european_token["access_token"]
    for base in ("/dc/eu", ""):
        assert get(f"{base}/crm/v8/Leads", token)[1]["code"] == "REQUIRED_PARAM_MISSING"


@pytest.mark.parametrize("centre", [other_centre for other_centre in CENTRES if other_centre != "eu"])
def test_a_token_is_invalid_in_every_other_centre(european_token, get, centre):
    assert get(f"/dc/{centre}/crm/v8/Leads", european_token["access_token"]) == (401, INVALID_TOKEN)
    assert get(f"/dc/{centre}/oauth/user/info", european_token["access_token"])[0] == 401


@pytest.mark.parametrize("centre", [other_centre for other_centre in CENTRES if other_centre != "eu"])
def test_a_client_is_unknown_in_every_other_centre(
    service, european, european_token, code_of, exchange, refresh_as, centre
):
    base, unknown = f"/dc/{centre}", (200, {"error": "invalid_client"})
    code = code_of(european)
    assert exchange(european, code, base=base) == unknown
    assert refresh_as(european, european_token["refresh_token"], base) == unknown
    asked = {"response_type": "code", "client_id": european.id}
    with pytest.raises(AuthorizationInvalid, match="ERROR_invalid_client"):
        wait(read(asked, service.accounts.wrapped, Site(ORIGIN, centre)))
    assert "access_token" in exchange(european, code, base="/dc/eu")[1]


def test_a_token_is_revoked_in_its_own_centre_only(nobody, european_token, get):
    form = f"token={european_token['refresh_token']}".encode()
    answer = nobody.call("POST", "/dc/us/oauth/v2/token/revoke", body=form)
    assert (answer.status, answer.json["error"]) == (400, "invalid_token")
    assert get("/dc/eu/crm/v8/Leads", european_token["access_token"])[0] == 400
    assert nobody.call("POST", "/dc/eu/oauth/v2/token/revoke", body=form).json == {"status": "success"}
    assert get("/dc/eu/crm/v8/Leads", european_token["access_token"]) == (401, INVALID_TOKEN)


def test_the_bare_base_gives_tokens_as_the_bare_origin_does(nobody, european, code_of):
    for path in ("/dc/eu", "/dc/eu/"):
        form = f"grant_type=authorization_code&client_id={european.id}&client_secret={european.secret}"
        body = f"{form}&code={code_of(european)}".encode()
        assert "access_token" in nobody.call("POST", path, body=body).json


def test_at_the_root_an_organisation_of_the_first_centre_is_named_by_the_root():
    assert Site(ORIGIN, None).base("us") == ORIGIN
    assert Site(ORIGIN, "us").base("us") == f"{ORIGIN}/dc/us"
    assert Site(ORIGIN, None).base("eu") == f"{ORIGIN}/dc/eu"


@pytest.mark.parametrize(
    "path", ["/dc", "/dc/", "/dc/xx/crm/v8/Leads", "/dc/EU/crm/v8/Leads", "/dc/eu%2Fcrm"]
)
def test_what_is_no_centre_is_no_path(kept_crm, path):
    assert kept_crm.call("GET", path).json["code"] == "INVALID_URL_PATTERN"


def test_bases_do_not_nest(crm):
    assert crm.call("GET", "/dc/us/dc/us/crm/v8/Leads").json["code"] == "INVALID_URL_PATTERN"
    assert split(b"/dc/eu/x") == ("eu", b"/x")


def test_another_version_is_told_apart_in_every_centre(crm):
    assert crm.call("GET", "/dc/us/crm/v9/Leads").json["code"] == "API_NOT_SUPPORTED"


def test_an_organisation_lives_in_a_centre_that_there_is(make_organisation, service):
    with pytest.raises(OrganisationInvalid, match="use one of: us, eu, in"):
        make_organisation("moon", data_centre="moon")
    assert DEMO.data_centre == "us"


def test_a_reset_leaves_it_where_it_is(european, service):
    service.organisations.reset("europe")
    assert service.organisations.find("europe").data_centre == "eu"
