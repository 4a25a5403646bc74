"""The walk of docs/zoho.md, with a second Moorage in Zoho's place: `moorage up --as-zoho`."""

import json
import re
import subprocess
import time
import urllib.parse
from pathlib import Path

import pytest

from tests import forked
from tests.flows.conftest import MOORAGE, Server, connecting
from tests.flows.walker import Walker

LEADS = "/zoho-crm/crm/v8/Leads"


@pytest.fixture
def yours(own_server):
    return own_server()


# The rehearsal has data of its own. If it used yours, it could not start here.
YOUR_DATABASES = {
    "MOORAGE_DATABASE_URL": "postgresql://127.0.0.1:1/yours",
    "MOORAGE_CRM_DATABASE_URL": "postgresql://127.0.0.1:1/yours",
    "MOORAGE_VAULT_KEY": "5a" * 32,
}


@pytest.fixture
def zoho(yours):
    process = forked.popen(
        [*MOORAGE, "up", "--as-zoho", "--json", "--port", "0", "--crm-port", "0"],
        env=yours.environment | YOUR_DATABASES, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    line = process.stdout.readline()
    if not line:
        raise AssertionError(process.communicate(timeout=20)[1])
    ready = json.loads(line)
    home = yours.home.with_name(f"{yours.home.name}-as-zoho")
    server = Server(process, home, ready["gateway"], ready["crm"], ready["api_key"], {})
    server.client = ready["client"]
    yield server
    process.kill()
    process.communicate()


def tell(yours, zoho):
    client = ("--client-id", zoho.client["client_id"], "--secret-file", zoho.client["secret_file"])
    return yours.run("client", "set", "zoho-crm", "--rehearsal", zoho.crm, *client)


def create(yours):
    """Run `connection create` as a person does, in whose browser its page opens."""
    with connecting(yours) as (command, url):
        walker = Walker()
        asked = walker.open(url)
        page = walker.connect(url, "rehearsal")
        assert page.heading == "Connected to Rehearsal at Zoho"
        return asked, json.loads(command.communicate(timeout=60)[0])["connection"]


def names(server, *options):
    told = json.loads(server.run("api", f"{LEADS}?fields=Last_Name&per_page=1", *options, "--json").stdout)
    headers = {name.lower(): value for name, value in told["headers"]}
    return told["body"]["data"][0]["Last_Name"], headers


def test_three_commands_and_calls_without_a_header_reach_what_was_connected(yours, zoho):
    before, headers = names(yours)
    demo = headers["moorage-connection"]
    assert headers["moorage-environment"] == "embedded"
    zoho.call("POST", LEADS, {"data": [{"Last_Name": "REALZOHO"}]})
    assert zoho.client["callback_url"] == f"{yours.gateway}/connect/callback"
    assert Path(zoho.client["secret_file"]).stat().st_mode & 0o077 == 0
    tell(yours, zoho)
    asked, connection = create(yours)
    # What a customer is offered is Zoho, and nothing of the CRM inside.
    assert "Harbour" not in asked.text and urllib.parse.urlsplit(zoho.crm).netloc in asked.text
    assert connection["metadata"]["organisation"] == "Rehearsal at Zoho"
    assert (connection["environment"], connection["metadata"]["data_centre"], connection["default"]) == (
        "sandbox",
        "rehearsal",
        True,
    )
    name, headers = names(yours)
    assert name == "REALZOHO"
    assert (
        headers["moorage-connection"] == connection["connection_id"]
        and headers["moorage-environment"] == "sandbox"
    )
    assert names(yours, "--connection", demo)[0] == before
    # What the demo's connection was is of no account any more, and what was chosen stays chosen.
    yours.run("connection", "use", connection["connection_id"])
    yours.run("connection", "delete", demo, "--yes")
    assert names(yours)[0] == "REALZOHO"
    yours.run("connection", "delete", connection["connection_id"], "--yes")
    refused = yours.run("api", f"{LEADS}?fields=Last_Name", check=False)
    assert refused.returncode == 1 and "was deleted, and no other one was chosen" in refused.stderr


def test_its_tokens_are_renewed_where_they_came_from_and_its_client_is_forgotten_alone(yours, zoho):
    tell(yours, zoho)
    _, connection = create(yours)
    diagnosis = yours.get(f"/connections/{connection['connection_id']}/diagnosis")[1]
    assert diagnosis["healthy"], diagnosis
    # Its access token is made worthless there: the next call renews it.
    zoho.run("crm", "org", "list")
    told = yours.run("client", "list").stdout
    assert re.search(rf"zoho +rehearsal +{re.escape(zoho.client['client_id'])}", told)
    yours.run("client", "delete", "zoho-crm", "--data-centre", "rehearsal", "--yes")
    page = Walker().open(
        json.loads(yours.call("POST", "/connections", {"app": "zoho-crm"})[2])["connection"]["url"]
    )
    assert "Rehearsal" not in page.text and "Harbour" in page.text


def test_it_refuses_to_play_on_the_data_folder_that_it_plays_for(yours):
    done = yours.run("up", "--as-zoho", "--home", str(yours.home), check=False)
    assert done.returncode == 2 and "your Moorage's own data folder" in done.stderr


def test_a_real_client_is_shown_to_nobody_who_plays(yours, zoho):
    """A rehearsal has its own client or none. The secret of the real client stays where it belongs."""
    yours.run("client", "set", "zoho-crm", "--client-id", "1000.REAL", typed="the-real-secret\n")
    tell(yours, zoho)
    create(yours)
    yours.run("client", "delete", "zoho-crm", "--data-centre", "rehearsal", "--yes")
    time.sleep(0.1)
    connection = json.loads(yours.call("GET", "/connections?status=ACTIVE")[2])["connections"][-1]
    codes = [
        finding["code"] for finding in yours.get(f"/connections/{connection['id']}/diagnosis")[1]["findings"]
    ]
    assert codes == ["oauth_client_missing"]
