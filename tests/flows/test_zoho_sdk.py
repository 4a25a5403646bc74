"""Zoho's official Python SDK, unmodified, works against the CRM's own origin."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.storages import on_both_storages

SCRIPTS = Path(__file__).parent
# Asked for by name, as the tests on both storages do, so that they share what they compare with.
on_sqlite = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
OLDER = Path(sys.prefix) / "clients"  # Where script/bootstrap puts the SDKs of older versions of the API.


@pytest.fixture(scope="module")
def run(server, tmp_path_factory):
    """Run a script that drives the SDK as a client of an organisation; gives what it found."""

    def run(script, organisation, *arguments, sdk=None):
        credentials = server.run("crm", "credentials", "--org", organisation, "--json").stdout
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(SCRIPTS / script), credentials, *arguments],
            cwd=tmp_path_factory.mktemp("sdk"),
            env={**os.environ, "PYTHONPATH": str(sdk) if sdk else ""},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture(scope="module")
def report(server, run):
    server.run("crm", "org", "create", "sdk", "--empty")
    yield run("zoho_sdk.py", "sdk", "files")
    # It is made again after tests on the other storage.
    server.run("crm", "org", "delete", "sdk", "--yes")


@pytest.fixture(scope="module")
def surroundings(server, run):
    server.run("crm", "org", "create", "sdk-modules")
    yield run("zoho_sdk_modules.py", "sdk-modules", "people")
    server.run("crm", "org", "delete", "sdk-modules", "--yes")


@pytest.fixture(params=["6", "7"], scope="module")
def older(request):
    """The folder of the SDK for an older version of the API."""
    folder = OLDER / f"zohocrmsdk{request.param}-0"
    assert folder.is_dir(), "run script/bootstrap"
    return folder


@on_sqlite
def test_those_of_older_versions_work_as_well(server, run, report, older):
    server.run("crm", "org", "create", older.name, "--empty")
    theirs = run("zoho_sdk.py", older.name, sdk=older)
    assert theirs["org"] == older.name
    assert theirs.keys() == report.keys() - {"files", "email_settings"}
    for name in ("create", "update", "upsert", "delete", "contact"):
        assert [name_of_module["code"] for name_of_module in theirs[name]] == [
            name_of_module["code"] for name_of_module in report[name]
        ]
    for name in (
        "get",
        "search",
        "walk",
        "attachments",
        "gone",
        "modules",
        "fields",
        "sections",
        "roles",
        "profiles",
        "users",
        "notifications",
        "emails",
    ):
        assert theirs[name] == report[name], name


@on_sqlite
def test_those_of_older_versions_understand_every_module(server, run, surroundings, older):
    organisation = f"{older.name}-modules"
    server.run("crm", "org", "create", organisation)
    expected = dict(surroundings["modules"])
    if older.name == "zohocrmsdk6-0":  # Up to v6 a whole lead says `$converted`, too.
        leads = expected["Leads"]
        expected["Leads"] = leads | {"alone": leads["alone"] + 1, "searched": leads["searched"] + 1}
    assert run("zoho_sdk_modules.py", organisation, sdk=older)["modules"] == expected


@pytest.fixture(scope="module")
def actions(server, run):
    server.run("crm", "org", "create", "sdk-actions", "--empty")
    return run("zoho_sdk_actions.py", "sdk-actions")


class TestOnBothStorages:
    pytestmark = on_both_storages

    def test_it_creates_records_and_reads_each_ones_fault(self, report):
        created, refused = report["create"]
        assert created["code"] == "SUCCESS" and len(created["details"]["id"]) == 19
        assert refused["code"] == "MANDATORY_NOT_FOUND"

    def test_it_updates_reads_upserts_and_searches(self, report):
        assert report["update"][0]["code"] == "SUCCESS"
        owner = report["get"]["Owner"]
        assert "@" in owner
        assert report["get"] == {
            "Company": "Changed",
            "Lead_Source": "Web Research",
            "Owner": owner,
            "Created_Time": True,
        }
        assert report["upsert"][0]["code"] == "SUCCESS"
        assert report["upsert"][0]["details"]["id"] == report["create"][0]["details"]["id"]
        assert report["search"] == 1

    def test_it_walks_past_two_thousand_records(self, report):
        assert report["walk"] == 2101

    def test_it_uploads_and_downloads(self, report):
        assert report["attachments"] == {
            "codes": ["SUCCESS"] * 3,
            "listed": ["https://docs.example/tide", "tide.txt"],
            "name": "tide.txt",
            "same": True,
        }
        assert report["files"] == {"codes": ["SUCCESS"] * 3, "same": True, "same photo": True}

    def test_it_deletes(self, report):
        assert report["delete"][0]["code"] == "SUCCESS"
        assert report["gone"] == 204

    def test_it_links_records(self, report):
        assert report["contact"][0]["code"] == "SUCCESS"

    def test_it_reads_the_metadata(self, report):
        assert report["modules"] == 54 and report["fields"] > 40 and report["sections"] >= 3
        assert report["roles"] == ["CEO", "Manager"] and report["profiles"] == ["Administrator", "Standard"]
        assert report["org"] == "sdk" and len(report["users"]) == 6

    def test_it_sends_and_reads_an_email(self, report):
        message = "Your mail has been sent successfully."
        assert report["email_settings"] == {"types": 4, "font_sizes": [10, 10, 10]}
        assert report["emails"] == {
            "message": message,
            "subject": "Tide",
            "content": "High at 4",
            "count": 1,
        }

    def test_it_enables_changes_lists_and_disables_notifications(self, report):
        subscribed = "Successfully subscribed for actions-watch of the given module"
        assert report["notifications"] == {
            "messages": [
                subscribed,
                subscribed,
                "Successfully updated the subscribe details",
                "Successfully removed the subscribe details",
                "Successfully un-subscribed from actions-watch",
            ],
            "events": ["Deals.edit"],
            "token": "u",
        }

    def test_it_understands_every_module_and_its_records(self, surroundings):
        modules = surroundings["modules"]
        assert len(modules) == 31
        for name, about in modules.items():
            assert about["fields"] > 5, name
            assert about["generated_type"] in {"default", "subform", "field_tracker"}
            # What has records is shown with every field it has.
            assert about["records"] == 0 or about["alone"] >= about["searched"] >= about["fields"] - 2, name
        for name in (
            "Leads",
            "Contacts",
            "Accounts",
            "Deals",
            "Tasks",
            "Events",
            "Calls",
            "Products",
            "Campaigns",
        ):
            about = modules[name]
            assert about["records"] >= 16 and about["layouts"] == 1 and about["related_lists"] > 1, name
            assert about["views"] >= 4 and about["columns"] >= 5, name

    def test_it_understands_the_people(self, surroundings):
        assert surroundings["users"] == {
            "AllUsers": 6, "ActiveUsers": 5, "DeactiveUsers": 1, "DeletedUsers": 1, "AdminUsers": 3, "CurrentUser": 1,
        }  # fmt: skip
        assert surroundings["reports_to"] == "CEO" and surroundings["permissions"] is True

    @pytest.mark.parametrize("version", ["7", "8"])
    def test_it_makes_fields_with_rows_and_writes_and_reads_them(self, server, run, version):
        server.run("crm", "org", "create", f"sdk-rows-{version}", "--empty")
        sdk = OLDER / f"zohocrmsdk{version}-0" if version != "8" else None
        found = run("zoho_sdk_links.py", f"sdk-rows-{version}", sdk=sdk)
        assert [code for code, _ in found["fields"]] == ["SUCCESS"] * 4, found
        assert found["crew"] == [True]
        assert (found["links"], found["rows"], found["again"]) == (
            ["Buoy"],
            ["rust"],
            "DUPLICATE_LINKING_DATA",
        )
        assert found["related"] == ["SUCCESS", ["Linked"], "SUCCESS", 204, 204, 7]
        assert found["external"] == ["SUCCESS", "Rome"]

    def test_it_makes_roll_up_fields_and_reads_what_they_come_to(self, server, run):
        server.run("crm", "org", "create", "sdk-roll-ups", "--empty")
        report = run("zoho_sdk_roll_ups.py", "sdk-roll-ups")
        assert report["created"] == ["SUCCESS"] * 2
        described = ["rollup_summary", "currency", "Deals", "Deals", "sum", ["Amount"], "Closed Won"]
        assert (report["described"], report["values"]) == (described, [3, 0.3])

    def test_it_converts_leads_and_quotes(self, actions):
        parts = ["Accounts", "Contacts", "Deals"]
        assert actions["convert_lead"] == [["known@acme.example"], "SUCCESS", parts]
        assert actions["convert_quote"] == "SUCCESS"

    def test_it_reads_records_in_bulk(self, actions):
        states, count, is_named = actions["bulk_read"]
        assert [state for state in ("ADDED", "IN PROGRESS", "COMPLETED") if state in states] == states
        assert (states[-1], count, is_named) == ("COMPLETED", 1, True)

    def test_it_makes_a_backup(self, actions):
        assert actions["backup"] == ["success", ["INPROGRESS", "COMPLETED"], "Data_001.zip", 2]

    def test_it_asks_by_queries(self, actions):
        name, account, has_owner, more, code = actions["query"]
        assert (name, has_owner, more, code) == ("Known", True, False, "SYNTAX_ERROR")
        assert account in {"Acme", None}

    def test_it_sorts_a_view(self, actions):
        assert actions["views"] == ["SUCCESS", True, "desc"]

    def test_it_writes_records_in_bulk(self, actions):
        assert actions["bulk_write"] == ["COMPLETED", 1, True]

    def test_it_makes_tags_and_puts_them_on_records(self, actions):
        assert actions["tags"] == ["SUCCESS"] * 3 + [True, "1"]

    def test_it_merges_records(self, actions):
        assert actions["merge"] == ["SUCCESS", "Bergen"]

    def test_it_acts_on_many_records(self, actions):
        assert actions["many"] == ["SUCCESS"] * 4

    def test_it_changes_settings(self, actions):
        assert actions["settings"] == {
            "picklist": ["SUCCESS", ["-None-", "North", "South"], "SCHEDULED", "SUCCESS"],
            "pipeline": ["SUCCESS", ["Standard (Standard)", "Renewals"]],
            "user": ["SUCCESS"] * 3,
            "role": ["SUCCESS"] * 2,
            "year": ["SUCCESS", "April"],
        }

    def test_it_locks_shares_and_removes_a_lead(self, actions):
        assert actions["belongings"] == {
            "locked": "record added",
            "timeline": ["added"],
            "shareable": True,
            "bin": ["Moor"],
            "removed": "record deleted",
            "blueprint": "RECORD_NOT_IN_PROCESS",
            "wizards": 204,
        }
