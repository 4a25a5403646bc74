"""No secret is kept or logged in the clear: everything a server ever wrote is searched for all of them."""

import json
import re
import urllib.parse
import urllib.request

from moorage.client import Moorage
from tests.flows.conftest import wait_until
from tests.flows.walker import Walker

LEADS = "/zoho-crm/crm/v8/Leads?fields=id"


def token_of(url):
    return re.search(r"session_token=([\w-]+)", url).group(1)


def brought(url):
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
    return query["code"] + query["state"]


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
    server = own_server(MOORAGE_LOG_LEVEL="debug")
    credentials = server.credentials
    secrets = {name: credentials[name] for name in ("client_secret", "refresh_token", "access_token")}
    secrets["first key"] = server.api_key
    secrets["second key"] = server.run("key", "create").stdout.strip()
    secrets["refreshed"] = refresh(server, credentials)["access_token"]
    with Moorage(server.api_key, server.gateway) as client:
        made = client.connections.create("zoho-crm")
        walker = Walker()
        for _ in range(2):
            page = walker.connect(client.connections.get(made["connection_id"])["url"])
            assert page.heading.startswith("Connected to")
            secrets |= {f"code and state of {page.url}": value for value in brought(page.url)}
        secrets |= {cookie.name: cookie.value for cookie in walker.cookies}
        secrets["session"] = token_of(made["url"])
        assert client.request("GET", LEADS, connection=made["connection_id"]).status in {200, 204}
        provoke_errors(server, credentials)
        server.run("crm", "org", "delete", "demo", "--yes")
        named = {"Maton-Connection": made["connection_id"]}
        wait_until(lambda: server.call("GET", LEADS, headers=named)[0] == 401)
        assert client.connections.get(made["connection_id"])["status"] == "FAILED"
    written = {file: file.read_bytes() for file in server.home.rglob("*") if file.is_file()}
    assert any(file.name.endswith("-wal") for file in written)
    assert server.stop() == 0
    written |= {file: file.read_bytes() for file in server.home.rglob("*") if file.is_file()}
    out, err = server.process.communicate(timeout=20)
    written["standard output"], written["standard error"] = out.encode(), err.encode()
    found = [
        (name, str(place))
        for name, secret in secrets.items()
        for place, content in written.items()
        if secret.encode() in content
    ]
    assert found == []
