"""Zoho's official Python SDK, unmodified, starts from a self client's grant code, in a data centre of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "zoho_sdk_grant.py"


@pytest.fixture(scope="module")
def found(server, tmp_path_factory):
    server.run("crm", "org", "create", "sdk-eu", "--empty", "--data-centre", "eu")
    made = server.run("crm", "client", "create", "--name", "SDK", "--self", "--org", "sdk-eu", "--json")
    client = json.loads(made.stdout)["client"]
    client["code"] = server.run("crm", "grant-code", "--client", client["client_id"]).stdout.strip()
    argument = json.dumps([client, f"{server.crm}/dc/eu", f"{server.crm}/dc/us"])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT), argument],
        cwd=tmp_path_factory.mktemp("sdk"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {"base": f"{server.crm}/dc/eu", **json.loads(done.stdout.splitlines()[-1])}


def test_it_gets_its_tokens_and_works(found):
    assert (found["org"], found["create"], found["read"], found["again"]) == ("sdk-eu", "SUCCESS", 200, 200)
    assert found["api_domain"] == found["base"]


def test_in_another_data_centre_its_client_is_unknown(found):
    assert "invalid_client" in found["elsewhere"]


def test_its_code_works_once(found):
    assert "invalid_code" in found["spent"]


def test_it_revokes_its_refresh_token(found):
    assert found["revoked"] is True
