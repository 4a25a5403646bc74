"""`moorage doctor` and the diagnosis of a connection, beside a server that runs, and after it was killed."""

import json
import sqlite3

from moorage.oauth.tokens.renewal import ACCESS, REFRESH
from tests.flows.conftest import finish
from tests.waiting import wait_until

LEADS = "/zoho-crm/crm/v8/Leads?fields=id"
CLIENT_SECRET = "0123456789-client-secret-9876543210"
OUTSIDE = """
name = "example"
title = "Example"
authorization = "Bearer {access_token}"
authorize_path = "/authorize"
token_path = "/token"
[data_centres.here]
api = "http://127.0.0.1:1"
accounts = "http://127.0.0.1:1"
"""


def doctor(server, *options):
    done = server.run("doctor", "--json", *options, check=False)
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["healthy"] else 1)
    checks = {check["check"]: check for check in report["checks"]}
    return checks, {connection["connection_id"]: connection for connection in report["connections"]}


def codes(diagnosis):
    return [finding["code"] for finding in diagnosis["findings"]]


def the_connection(server):
    [connection] = server.get("/connections?status=ACTIVE")[1]["connections"]
    return connection["id"]


def test_a_running_server_is_found_well_and_then_what_is_wrong_with_it(own_server):
    server = own_server()
    connection = the_connection(server)
    checks, connections = doctor(server)
    assert checks["server"]["code"] == "ready" and server.gateway in checks["server"]["evidence"]
    assert f"{server.gateway}/connect/callback" in checks["OAuth clients"]["cause"]
    assert codes(connections[connection]) == ["connected"]
    # As many looks as one likes: no token is made for any, and the connection goes on working.
    for _ in range(15):
        assert server.get(f"/connections/{connection}/diagnosis")[1]["healthy"] is True
    assert server.get(LEADS)[0] == 200
    server.run("crm", "org", "delete", "demo", "--yes")
    checks, connections = doctor(server, "--connection", connection)
    assert codes(connections[connection]) == ["organisation_unknown"]
    wait_until(
        lambda: codes(server.get(f"/connections/{connection}/diagnosis")[1]) == ["organisation_unknown"]
    )
    finish(server)
    checks, _ = doctor(server)
    assert checks["server"]["code"] == "not_running"


def test_a_server_that_is_not_ready_is_found(own_server):
    server = own_server()
    (server.home / "vault.key").write_text("22" * 32)
    checks, _ = doctor(server)
    assert (checks["server"]["code"], checks["server"]["severity"]) == ("vault_locked", "problem")
    assert "MOORAGE_VAULT_KEY" in checks["server"]["fix"]


def kept_secrets(server, inside):
    """All that the vault of a server holds, in the clear, and the files that hold keys."""

    async def opened(rooms):
        with sqlite3.connect(server.home / "moorage.db") as connection:
            rows = connection.execute("SELECT owner_id, kind FROM secrets").fetchall()
        return {f"{owner} {kind}": (await rooms.vault.get(owner, kind)).value for owner, kind in rows}

    return inside(opened)


def test_no_secret_stands_in_anything_that_is_said(home, own_server, inside):
    (home / "providers" / "other.toml").write_text(OUTSIDE.replace("example", "other"))
    server = own_server()
    (home / "secret").write_text(CLIENT_SECRET)
    server.run("client", "set", "other", "--client-id", "an-id", "--secret-file", str(home / "secret"))
    connection = the_connection(server)
    secrets = kept_secrets(server, inside)
    assert {key.rpartition(" ")[2] for key in secrets} == {ACCESS, REFRESH, "client_secret"}
    secrets["key"] = server.api_key
    secrets["vault"] = (home / "vault.key").read_text().strip()
    secrets["crm"] = server.credentials["client_secret"]

    async def revoke(rooms):
        await rooms.crm.accounts.revoke(secrets[f"{connection} {REFRESH}"])

    said = [server.run("doctor", *options, check=False) for options in ([], ["--json"])]
    inside(revoke)
    wait_until(lambda: codes(server.get(f"/connections/{connection}/diagnosis")[1]) == ["INVALID_TOKEN"])
    said += [server.run("doctor", *options, check=False) for options in ([], ["--json"])]
    answered = server.call("GET", f"/connections/{connection}/diagnosis")[2].decode()
    assert server.get(LEADS)[0] == 401
    said += [server.run("doctor", *options, check=False) for options in ([], ["--json"])]
    assert "invalid_code" in said[-1].stdout
    texts = [answered, server.call("GET", f"/connections/{connection}/diagnosis")[2].decode()]
    texts += [part for done in said for part in (done.stdout, done.stderr)]
    assert [name for name, secret in secrets.items() if any(secret in text for text in texts)] == []
