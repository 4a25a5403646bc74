"""Zoho's official Python SDK, unmodified, works against the CRM's own origin."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "zoho_sdk.py"


@pytest.fixture(scope="module")
def found(server, tmp_path_factory):
    server.run("crm", "org", "create", "sdk", "--empty")
    credentials = server.run("crm", "credentials", "--org", "sdk", "--json").stdout
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT), credentials],
        cwd=tmp_path_factory.mktemp("sdk"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_it_creates_records_and_reads_each_ones_fault(found):
    made, refused = found["create"]
    assert made["code"] == "SUCCESS" and len(made["details"]["id"]) == 19
    assert refused["code"] == "MANDATORY_NOT_FOUND"


def test_it_updates_reads_upserts_and_searches(found):
    assert found["update"][0]["code"] == "SUCCESS"
    owner = found["get"].pop("Owner")
    assert "@" in owner
    assert found["get"] == {"Company": "Changed", "Lead_Source": "Web Research", "Created_Time": True}
    assert found["upsert"][0]["code"] == "SUCCESS"
    assert found["upsert"][0]["details"]["id"] == found["create"][0]["details"]["id"]
    assert found["search"] == 1


def test_it_walks_past_two_thousand_records(found):
    assert found["walk"] == 2101


def test_it_deletes(found):
    assert found["delete"][0]["code"] == "SUCCESS"
    assert found["gone"] == 204


def test_it_links_records(found):
    assert found["contact"][0]["code"] == "SUCCESS"


def test_it_reads_the_metadata(found):
    assert found["modules"] == 54 and found["fields"] > 40 and found["sections"] >= 3
    assert found["roles"] == ["CEO", "Manager"] and found["profiles"] == ["Administrator", "Standard"]
    assert found["org"] == "sdk" and len(found["users"]) == 6
