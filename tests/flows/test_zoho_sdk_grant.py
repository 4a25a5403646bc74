"""Zoho's official Python SDK, unmodified, starts from a self client's grant code, in a data centre of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.storages import on_both_storages

pytestmark = on_both_storages
SCRIPT = Path(__file__).parent / "zoho_sdk_grant.py"


@pytest.fixture(scope="module")
def report(server, tmp_path_factory):
    server.run("crm", "org", "create", "sdk-eu", "--empty", "--data-centre", "eu")
    created = server.run("crm", "client", "create", "--name", "SDK", "--self", "--org", "sdk-eu", "--json")
    client = json.loads(created.stdout)["client"]
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


def test_it_gets_its_tokens_and_works(report):
    assert (report["org"], report["create"], report["read"], report["again"]) == (
        "sdk-eu",
        "SUCCESS",
        200,
        200,
    )
    assert report["api_domain"] == report["base"]


def test_in_another_data_centre_its_client_is_unknown(report):
    assert "invalid_client" in report["elsewhere"]


def test_its_code_works_once(report):
    assert "invalid_code" in report["spent"]


def test_it_revokes_its_refresh_token(report):
    assert report["revoked"] is True
