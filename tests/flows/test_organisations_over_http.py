"""Whole organisations made, reset, kept, restored, filled and reached over HTTP, without a browser."""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tests.flows.storages import on_both_storages

pytestmark = on_both_storages
LEADS = "/zoho-crm/crm/v8/Leads"


def call(server, method, path, body=None, **headers):
    status, _, answer = server.call(method, path, body, headers)
    return status, json.loads(answer) if answer else None


@pytest.fixture
def acme(server):
    """A new organisation without records, and a connection to it."""
    slug = f"acme-{uuid.uuid4().hex[:8]}"
    status, organisation = call(
        server, "POST", "/organisations", {"slug": slug, "name": "Acme", "sample": False}
    )
    assert status == 200 and organisation["organisation"]["name"] == "Acme"
    yield slug
    call(server, "DELETE", f"/organisations/{slug}")


@pytest.fixture
def inside(server, acme):
    status, connection = call(server, "POST", "/connections", {"app": "zoho-crm", "organisation": acme})
    assert status == 200
    yield connection["connection"]
    server.call("DELETE", f"/connections/{connection['connection']['id']}")


def names(server, inside):
    named = {"Maton-Connection": inside["id"]}
    _, records = call(server, "GET", f"{LEADS}?fields=Last_Name&per_page=200", **named)
    return sorted(record["Last_Name"] for record in records["data"]) if records else []


def add(server, inside, name):
    answer = call(
        server, "POST", LEADS, {"data": [{"Last_Name": name}]}, **{"Maton-Connection": inside["id"]}
    )
    assert answer[1]["data"][0]["code"] == "SUCCESS"


def test_a_connection_to_an_organisation_is_active_at_once_and_reaches_it(server, acme, inside):
    assert (inside["status"], inside["environment"]) == ("ACTIVE", "embedded")
    assert inside["metadata"]["organisation"] == "Acme"
    add(server, inside, "Hopper")
    assert names(server, inside) == ["Hopper"]
    listed = call(server, "GET", "/organisations")[1]["organisations"]
    assert {"demo", acme} <= {connection["slug"] for connection in listed}
    assert call(server, "GET", f"/organisations/{acme}")[1]["organisation"] in listed


def test_a_reset_is_seen_by_the_next_call(server, acme, inside):
    for number in range(5):
        add(server, inside, f"Gone {number}")
        status, told = call(server, "POST", f"/organisations/{acme}/reset")
        assert status == 200 and told["organisation"]["slug"] == acme
        assert names(server, inside) == []


def test_a_snapshot_is_kept_by_its_name_and_put_back(server, acme, inside):
    path = f"/organisations/{acme}"
    add(server, inside, "Kept")
    began = datetime.now(UTC)
    assert call(server, "POST", f"{path}/snapshots", {"name": "before"}) == (
        200,
        {"snapshot": {"name": "before"}},
    )
    [snapshot] = call(server, "GET", f"{path}/snapshots")[1]["snapshots"]
    # A file system may tell times that are some milliseconds old.
    assert began - timedelta(seconds=1) <= datetime.fromisoformat(snapshot["saved_at"]) <= datetime.now(UTC)
    add(server, inside, "Later")
    assert names(server, inside) == ["Kept", "Later"]
    assert call(server, "POST", f"{path}/restore", {"snapshot": "before"})[0] == 200
    assert names(server, inside) == ["Kept"]
    assert call(server, "GET", f"{path}/snapshots")[1] == {"snapshots": [snapshot]}
    assert call(server, "DELETE", f"{path}/snapshots/before")[1] == {"name": "before", "deleted": True}
    status, told = call(server, "POST", f"{path}/restore", {"snapshot": "before"})
    assert (status, told["error"]["code"]) == (404, "snapshot_unknown") and "none yet" in told["detail"]


def test_a_snapshot_that_is_not_to_be_replaced_stays_as_it_is(server, acme, inside):
    path = f"/organisations/{acme}"
    add(server, inside, "Kept")
    body = {"name": "before", "replace": False}
    assert call(server, "POST", f"{path}/snapshots", body)[0] == 200
    add(server, inside, "Later")
    status, told = call(server, "POST", f"{path}/snapshots", body)
    assert (status, told["error"]["code"]) == (409, "snapshot_exists")
    assert call(server, "POST", f"{path}/restore", {"snapshot": "before"})[0] == 200
    assert names(server, inside) == ["Kept"]
    status, told = call(server, "POST", f"{path}/snapshots", {"name": "before", "replace": "no"})
    assert (status, told["error"]["code"]) == (400, "body_invalid")


@pytest.mark.parametrize("name", ["", "../demo", "a/b", "A", "..", "x" * 41, "a.db", "\x00", "-a"])
def test_no_name_of_a_snapshot_leads_elsewhere(server, acme, name):
    status, told = call(server, "POST", f"/organisations/{acme}/snapshots", {"name": name})
    assert (status, told["error"]["code"]) == (400, "snapshot_invalid")
    status, told = call(server, "POST", f"/organisations/{acme}/restore", {"snapshot": name})
    assert (status, told["error"]["code"]) == (404, "snapshot_unknown")


def test_snapshots_go_with_their_organisation(server, acme):
    path = f"/organisations/{acme}"
    assert call(server, "POST", f"{path}/snapshots", {"name": "before"})[0] == 200
    assert call(server, "DELETE", path) == (200, {"slug": acme, "deleted": True})
    assert call(server, "GET", path)[1]["error"]["code"] == "organisation_unknown"
    assert call(server, "POST", "/organisations", {"slug": acme, "sample": False})[0] == 200
    assert call(server, "GET", f"{path}/snapshots")[1] == {"snapshots": []}


def test_a_seed_goes_in_by_the_rules_of_the_api(server, acme, inside):
    leads = [{"Last_Name": f"Lead {number}"} for number in range(150)]
    records = {"Accounts": [{"Account_Name": "Navy"}], "Leads": leads}
    status, inserted = call(server, "POST", f"/organisations/{acme}/seed", {"records": records})
    assert status == 200 and {module: len(ids) for module, ids in inserted["ids"].items()} == {
        "Accounts": 1,
        "Leads": 150,
    }
    assert len(names(server, inside)) == 150


def test_of_a_seed_that_is_refused_nothing_is_kept_and_the_record_is_named(server, acme, inside):
    leads = [{"Last_Name": f"Lead {number}"} for number in range(120)]
    for wrong, told in (
        ({"Leads": [*leads, {"Company": "no name"}]}, "Leads[120] was refused: MANDATORY_NOT_FOUND"),
        ({"Leads": leads, "Nothing": [{}]}, "Nothing[0] was refused: INVALID_MODULE"),
        ({"Leads": [*leads, 7]}, "Leads["),
    ):
        status, answer = call(server, "POST", f"/organisations/{acme}/seed", {"records": wrong})
        assert (status, answer["error"]["code"]) == (400, "seed_refused") and told in answer["message"]
        assert names(server, inside) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {"slug": 7}),
        ("", {"slug": "x", "sample": "no"}),
        ("", {"slug": "x", "unique": "Leads.Email"}),
        ("", {"slug": "x", "name": ""}),
        ("", {"slug": "x", "time_zone": 1}),
        ("/demo/seed", {"records": []}),
        ("/demo/seed", {"records": {"Leads": {}}}),
        ("/demo/seed", {"records": {"../org": []}}),
        ("/demo/seed", {}),
        ("/demo/snapshots", {"name": 1}),
        ("/demo/reset", {"sample": True}),
    ],
)
def test_a_body_that_can_not_be_is_refused(server, path, body):
    status, told = call(server, "POST", f"/organisations{path}", body)
    assert (status, told["error"]["code"]) == (400, "body_invalid")


def test_names_that_can_not_be_and_those_that_are_taken_are_told(server):
    for slug, status, code in (
        ("A b", 400, "organisation_invalid"),
        ("../x", 400, "organisation_invalid"),
        ("demo", 409, "organisation_exists"),
    ):
        told = call(server, "POST", "/organisations", {"slug": slug})
        assert (told[0], told[1]["error"]["code"]) == (status, code)
    told = call(server, "POST", "/organisations", {"slug": "zone", "time_zone": "Mars/Base"})
    assert (told[0], told[1]["error"]["code"]) == (400, "organisation_invalid")


def test_connecting_takes_the_right_to_the_organisation_and_the_organisation(server, acme):
    body = {"app": "zoho-crm", "organisation": acme}
    scopes = ["connections:write", "connections:read", "proxy"]
    key = call(server, "POST", "/keys", {"name": "narrow", "scopes": scopes})[1]
    narrow = {"Authorization": f"Bearer {key['secret']}"}
    before = len(call(server, "GET", "/connections")[1]["connections"])
    for told, status, code in (
        (call(server, "POST", "/connections", body, **narrow), 403, "scope_missing"),
        (call(server, "POST", "/connections", body | {"organisation": "none"}), 404, "organisation_unknown"),
        (call(server, "POST", "/connections", body | {"organisation": 7}), 400, "body_invalid"),
        (call(server, "POST", "/connections", body | {"app": "github"}), 400, "body_invalid"),
    ):
        assert (told[0], told[1]["error"]["code"]) == (status, code)
    assert len(call(server, "GET", "/connections")[1]["connections"]) == before


def test_the_command_connects_without_a_browser_and_users_are_listed(server, acme):
    outcome = server.run("connection", "create", "zoho-crm", "--organisation", acme, "--json")
    connection = json.loads(outcome.stdout)["connection"]
    assert connection["status"] == "ACTIVE" and outcome.stderr == ""
    listed = server.run("crm", "user", "list", "--org", acme).stdout
    assert "ana@harbourpine.example" in listed
    assert server.call("DELETE", f"/connections/{connection['id']}")[0] == 200


def test_in_every_worker_a_reset_shows_within_a_moment(own_server):
    server = own_server("--workers", "2")
    inside = call(server, "GET", "/connections")[1]["connections"][0]
    add(server, inside, "Gone")
    assert call(server, "POST", "/organisations/demo/reset")[0] == 200
    time.sleep(1.5)
    assert all("Gone" not in names(server, inside) for _ in range(10))
