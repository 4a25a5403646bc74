"""Organisations on several PostgreSQL servers, as an operator sees them."""

import json

import pytest

from moorage.doctor import opened


@pytest.fixture
def on_servers(moorage, new_database, monkeypatch):
    """The command line, with the embedded CRM on the servers `main` and `two`. The demo organisation is on `main`."""
    monkeypatch.setenv("MOORAGE_CRM_DATABASE_URL", new_database())
    monkeypatch.setenv("MOORAGE_CRM_SERVERS", f"two={new_database()}")
    monkeypatch.delenv("MOORAGE_API_KEY", raising=False)
    assert moorage("init").status == 0
    return moorage


def servers(moorage):
    return {
        row["slug"]: row["server"] for row in moorage("crm", "org", "list", "--json").json["organisations"]
    }


def test_an_organisation_is_created_where_there_is_room_and_moves(on_servers):
    assert on_servers("crm", "org", "create", "acme", "--empty").status == 0
    assert servers(on_servers) == {"demo": None, "acme": "two"}
    assert "SERVER" in on_servers("crm", "org", "list").out
    tried = on_servers("crm", "org", "move", "demo", "--to", "two", "--dry-run")
    assert tried.status == 0 and "Nothing was changed" in tried.out
    assert servers(on_servers)["demo"] is None
    moved = on_servers("crm", "org", "move", "demo", "--to", "two", "--json")
    *steps, result = [json.loads(line) for line in moved.out.splitlines()]
    assert (moved.status, result["moved"], result["server"]) == (0, "demo", "two")
    assert {"rows", "indexes", "handed over", "arrived", "removed"} <= {step["step"] for step in steps}
    assert servers(on_servers) == {"demo": "two", "acme": "two"}
    back = on_servers("crm", "org", "move", "demo", "--to", "main")
    assert (back.status, back.out) == (0, "Moved organisation demo to main\n")
    assert servers(on_servers)["demo"] is None


def test_a_server_that_is_not_named_is_told_with_those_that_are(on_servers):
    refused = on_servers("crm", "org", "move", "demo", "--to", "tow")
    assert refused.status != 0 and "'tow'" in refused.err and "two" in refused.err


def test_doctor_says_how_full_each_server_is(on_servers, monkeypatch):
    def checks():
        report = on_servers("doctor", "--json").json
        return {check["check"]: check for check in report["checks"] if "PostgreSQL server" in check["check"]}

    assert set(checks()) == {"PostgreSQL server main", "PostgreSQL server two"}
    main = checks()["PostgreSQL server main"]
    assert main["code"] == "server_has_room" and "1 organisations with" in main["evidence"]
    monkeypatch.setattr(opened, "MOST_RELATIONS", 10)
    assert {name: check["code"] for name, check in checks().items()} == {
        "PostgreSQL server main": "server_full",
        "PostgreSQL server two": "server_has_room",
    }


def test_a_server_that_does_not_answer_is_a_problem_of_its_own(on_servers, monkeypatch):
    monkeypatch.setenv("MOORAGE_CRM_SERVERS", "two=postgresql://moorage:hush@127.0.0.1:1/none")
    report = on_servers("doctor", "--json")
    found = {check["check"]: check["severity"] for check in report.json["checks"]}
    assert (found["PostgreSQL server main"], found["PostgreSQL server two"]) == ("ok", "problem")
    assert "hush" not in report.out + report.err
    assert on_servers("crm", "org", "create", "acme", "--empty").status == 0
    assert servers(on_servers) == {"demo": None, "acme": None}
