"""No secret is kept or logged in the clear: everything a server ever wrote is searched for all of them."""

import json
import re
import urllib.parse
import urllib.request

import pytest

from moorage.client import Moorage
from moorage.oauth.connect.attempts import verifier_of
from tests.flows.conftest import finish, start
from tests.flows.walker import PASSWORD, Walker
from tests.flows.zoho import kept_tokens, make_quay, register, start_gateway
from tests.waiting import wait_until

LEADS = "/zoho-crm/crm/v8/Leads?fields=id"


def token_of(url):
    return re.search(r"session_token=([\w-]+)", url).group(1)


def codes_in(page):
    """The code and the state with which a person came back."""
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query))
    return {f"{name} of {page.url}": query[name] for name in ("code", "state") if name in query}


def written_by(server):
    """All that a server has written into its folder and to its output, by place; it is stopped for that."""
    written = {file: file.read_bytes() for file in server.home.rglob("*") if file.is_file()}
    assert any(file.name.endswith("-wal") for file in written)
    assert server.stop() == 0
    # What stood in a write-ahead log before is searched as well as what became of it.
    after = {(file, "after"): file.read_bytes() for file in server.home.rglob("*") if file.is_file()}
    out, err = server.process.communicate(timeout=20)
    return {**written, **after, "standard output": out.encode(), "standard error": err.encode()}


def found_in(written, secrets):
    assert all(secrets.values())
    return [
        (name, str(place))
        for name, secret in secrets.items()
        for place, content in written.items()
        if secret.encode() in content
    ]


def refresh(server, credentials, **changed):
    fields = ("client_id", "client_secret", "refresh_token")
    form = {"grant_type": "refresh_token", **{name: credentials[name] for name in fields}, **changed}
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(credentials["token_url"], data=body) as answer:
        return json.loads(answer.read())


def provoke_errors(server, credentials):
    """Send every kind of secret where it does not belong."""
    for secret in (server.api_key, credentials["access_token"], credentials["refresh_token"]):
        for path in (f"/{secret}", f"/zoho-crm/crm/v8/{secret}", f"/connections/{secret}", LEADS):
            server.call("GET", path, headers={"Authorization": f"Bearer {secret}x"})
            server.call("GET", path, headers={"Maton-Connection": secret})
        server.call("POST", "/connections", {"app": secret})
        server.call("POST", "/zoho-crm/crm/v8/Leads", {"data": secret})
        server.call("GET", f"/connect/?session_token={secret}")
        server.call("GET", LEADS, base=server.crm, headers={"Authorization": f"Zoho-oauthtoken {secret}x"})
    refresh(server, credentials, client_secret=credentials["client_secret"] + "x")
    refresh(server, credentials, refresh_token=credentials["refresh_token"] + "x")


def test_nothing_that_was_written_holds_a_secret(own_server):
    server = own_server(MOORAGE_LOG_LEVEL="debug", MOORAGE_REQUEST_BODIES="on")
    credentials = server.credentials
    secrets = {name: credentials[name] for name in ("client_secret", "refresh_token", "access_token")}
    secrets["first key"] = server.api_key
    secrets["second key"] = server.run("key", "create").stdout.strip()
    secrets["refreshed"] = refresh(server, credentials)["access_token"]
    with Moorage(server.api_key, server.gateway) as client:
        connection = client.connections.create("zoho-crm")
        walker = Walker()
        for _ in range(2):
            page = walker.connect(client.connections.get(connection["connection_id"])["url"])
            assert page.heading.startswith("Connected to")
            secrets |= codes_in(page)
        secrets |= {cookie.name: cookie.value for cookie in walker.cookies}
        secrets["session"] = token_of(connection["url"])
        assert client.request("GET", LEADS, connection=connection["connection_id"]).status in {200, 204}
        provoke_errors(server, credentials)
        server.run("crm", "org", "delete", "demo", "--yes")
        named = {"Maton-Connection": connection["connection_id"]}
        wait_until(lambda: server.call("GET", LEADS, headers=named)[0] == 401)
        assert client.connections.get(connection["connection_id"])["status"] == "FAILED"
    assert found_in(written_by(server), secrets) == []


@pytest.fixture
def zoho(tmp_path):
    """Two servers, one of which plays Zoho, that log all they can."""
    started = [start(tmp_path / "zoho", MOORAGE_LOG_LEVEL="debug")]
    try:
        make_quay(started[0])
        started.append(start_gateway(tmp_path / "gateway", started[0], MOORAGE_LOG_LEVEL="debug"))
        yield register(*started)
    finally:
        for server in started:
            finish(server)


def test_nothing_that_was_written_on_the_way_to_an_account_outside_holds_a_secret(zoho):
    """S7, E5."""
    gateway, walker = zoho.gateway, Walker()
    secrets = {"client secret": zoho.client_secret, "password": PASSWORD, "wrong secret": "a-wrong-secret"}
    with Moorage(gateway.api_key, gateway.gateway) as client:
        connection = client.connections.create("zoho-crm")
        zoho.set_client(secret=secrets["wrong secret"])
        refused = walker.connect(connection["url"], "us")
        assert "secret is wrong" in refused.heading
        zoho.set_client()
        declined = walker.connect(walker.again(refused), "eu", "reject")
        assert "declined" in declined.heading
        done = walker.connect(walker.again(declined), "eu")
        assert done.heading == "Connected to Quay Europe"
        for number, page in enumerate((refused, declined, done)):
            secrets |= codes_in(page)
            secrets[f"session {number}"] = token_of(
                client.connections.get(connection["connection_id"])["url"]
            )
        secrets["access token"], secrets["refresh token"] = kept_tokens(gateway, connection["connection_id"])
        zoho.revoke(secrets["access token"])
        assert client.request("GET", LEADS, connection=connection["connection_id"]).status == 200
        secrets["renewed token"], _ = kept_tokens(gateway, connection["connection_id"])
        assert secrets["renewed token"] != secrets["access token"]
        client.connections.delete(connection["connection_id"])
    secrets |= {f"cookie {cookie.name}": cookie.value for cookie in walker.cookies}
    browser = secrets["cookie moorage-connect"]
    states = {name: value for name, value in secrets.items() if name.startswith("state of ")}
    secrets |= {f"verifier to {name}": verifier_of(state, browser) for name, state in states.items()}
    assert len(states) == 3
    assert found_in(written_by(gateway), secrets) == []
    assert found_in(written_by(zoho.server), secrets) == []
