"""What the CRM says of a request before its body is read."""

import pytest

from moorage.crm.server import MAX_FORM
from moorage.crm.wire.routing import MAX_BODY
from moorage.http.message import Request, Response

ALL = "ZohoCRM.modules.ALL"


@pytest.fixture
def admitted(service, make_organisation, caller_of):
    make_organisation("acme")

    def look(method, path, scope=ALL):
        headers = []
        if scope is not None:
            headers.append((b"authorization", b"Zoho-oauthtoken " + caller_of("acme", scope).token.encode()))
        return service.admit(Request(method, path.encode(), headers=headers))

    return look


@pytest.mark.parametrize("path", ["/crm/v8/Leads", "/dc/us/crm/v8/Leads"])
def test_who_may_write_may_send_a_hundred_records(admitted, path):
    assert admitted("POST", path).max_body == MAX_BODY


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/oauth/v2/token", "/dc/eu/oauth/v2/token", "/oauth/v2/auth"),
        *(
            "/.well-known/openid-configuration",
            "/healthz",
        ),  # These refuse the method, whatever comes with it.
    ],
)
def test_who_is_not_known_yet_may_send_a_form(admitted, path):
    assert admitted("POST", path, None).max_body == MAX_FORM


def test_strangers_have_a_budget_of_their_own(admitted):
    assert admitted("POST", "/", None).budget is not admitted("POST", "/crm/v8/Leads").budget


@pytest.mark.parametrize(
    ("method", "path", "scope", "status"),
    [
        ("POST", "/crm/v8/Leads", None, 401),
        ("POST", "/crm/v8/Leads", "ZohoCRM.modules.READ", 401),
        ("POST", "/crm/v8/Leads", "ZohoCRM.modules.Deals.ALL", 401),
        ("POST", "/dc/eu/crm/v8/Leads", ALL, 401),
        ("POST", "/crm/v8/Leads/1/2/3/4/5", ALL, 404),
        ("PATCH", "/crm/v8/org", ALL, 400),
        ("POST", "/elsewhere", None, 404),
    ],
)
def test_what_would_be_refused_is_refused_at_once(admitted, method, path, scope, status):
    answer = admitted(method, path, scope)
    assert isinstance(answer, Response) and answer.status == status


def test_the_origin_says_that_it_is_up(crm):
    for method in ("GET", "HEAD"):
        assert (crm.call(method, "/healthz").status, crm.call(method, "/healthz").json) == (
            200,
            {"status": "ok"},
        )
    assert crm.call("POST", "/healthz").status == 400
