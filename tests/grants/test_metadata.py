"""What programs read before they ask anybody."""

from contextlib import closing

import pytest

from moorage.rooms import Rooms, Urls
from tests.control import GATEWAY, Control
from tests.grants.program import Program

RESOURCES = ["/mcp", "/mcp/c/sales", "/mcp/maton", "/mcp/ops", "/mcp/lab"]


def test_each_resource_says_who_it_is_and_who_gives_tokens(control):
    for path in RESOURCES:
        told = control.call("GET", f"/.well-known/oauth-protected-resource{path}").json
        assert (told["resource"], told["authorization_servers"]) == (f"{GATEWAY}{path}", [GATEWAY])
        assert told["bearer_methods_supported"] == ["header"]


def test_at_the_root_the_server_for_agents_is_told(control):
    told = control.call("GET", "/.well-known/oauth-protected-resource").json
    assert told["resource"] == f"{GATEWAY}/mcp"


def test_other_paths_are_no_resources(control):
    for path in ("/keys", "/mcp/c", "/mcp/c/%22", "/mcp/c/UPPER"):
        assert control.call("GET", f"/.well-known/oauth-protected-resource{path}").status == 404, path


WELL_KNOWN = ["oauth-authorization-server", "openid-configuration"]


def test_the_server_says_what_it_can(control):
    for path in WELL_KNOWN:
        told = control.call("GET", f"/.well-known/{path}").json
        assert told["issuer"] == GATEWAY
        assert told["code_challenge_methods_supported"] == ["S256"]
        assert told["token_endpoint_auth_methods_supported"] == ["none"]
        assert told["client_id_metadata_document_supported"] is True
        assert told["authorization_response_iss_parameter_supported"] is True
        addresses = [
            told[f"{name}_endpoint"] for name in ("authorization", "token", "registration", "revocation")
        ]
        for address in addresses:
            assert control.call("LOCK", address.removeprefix(GATEWAY)).status == 405


@pytest.fixture
def below(tmp_path, monkeypatch):
    """A server whose public URL has a path."""
    url = f"{GATEWAY}/moorage"

    async def opened(self):
        return Rooms(self.settings, Urls(url, "http://crm.test"), self.clock)

    monkeypatch.setattr(Control, "_open", opened)
    with closing(Control(tmp_path / "home")) as control:
        yield control, url


def test_a_public_url_with_a_path_is_told_at_both_places(below):
    """At the root of the host, as the RFCs want it, and below the path, as a proxy may pass nothing else on."""
    control, url = below
    for path in (
        "/.well-known/oauth-protected-resource/moorage/mcp",
        "/.well-known/oauth-protected-resource/mcp",
    ):
        assert control.call("GET", path).json["resource"] == f"{url}/mcp"
    for path in ("/.well-known/oauth-authorization-server/moorage", "/.well-known/openid-configuration"):
        assert control.call("GET", path).json["issuer"] == url
    refused = control.call("POST", "/mcp", headers=[("Accept", "application/json")])
    told = refused.headers["www-authenticate"]
    where = f"{url}/.well-known/oauth-protected-resource/mcp"
    assert told == f'Bearer resource_metadata="{where}", scope="mcp"'


TOLD = [("/mcp", "/mcp"), ("/mcp/c/sales", "/mcp/c/sales"), ("/mcp/c/a%22%0d%0aX:%20b", "/mcp")]


def test_whoever_has_no_token_is_told_where_to_look(control):
    for path, shown in TOLD:
        place = f"{GATEWAY}/.well-known/oauth-protected-resource{shown}"
        where = f'Bearer resource_metadata="{place}", scope="mcp"'
        answer = control.call("POST", path)
        assert (answer.status, answer.code, answer.headers["www-authenticate"]) == (401, "key_invalid", where)
        answer = control.call("POST", path, key=f"mo_at_{'x' * 46}")
        assert (answer.status, answer.code) == (401, "token_invalid")
        assert answer.headers["www-authenticate"] == f'{where}, error="invalid_token"'


def test_the_rest_of_the_api_speaks_of_keys_alone(control):
    assert control.call("GET", "/keys").headers["www-authenticate"] == "Bearer"


def test_a_program_without_a_secret_is_registered(control):
    program = Program(control, "none yet")
    told = program.register(token_endpoint_auth_method="client_secret_basic", scope="all").json
    assert told["token_endpoint_auth_method"] == "none" and told["scope"] == "mcp"
    assert "client_secret" not in told
