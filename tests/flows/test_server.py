"""A running server, seen from outside: connect, revoke, several workers, other organisations."""

import json
import urllib.parse
import urllib.request

from tests.flows.walker import Walker, set_password
from tests.waiting import wait_until

LEADS = "/zoho-crm/crm/v8/Leads"


def connect(server, organisation):
    """Create a connection and go the way through its pages; gives its id."""
    connection = json.loads(server.call("POST", "/connections", {"app": "zoho-crm"})[2])["connection"]
    set_password(server, organisation)
    go_through(connection["url"], organisation)
    return connection["connection_id"]


def go_through(url, organisation):
    page = Walker().connect(url, f"crm/{organisation}")
    assert page.status == 200 and page.heading.startswith("Connected to"), page.text


def test_a_connection_reaches_its_own_organisation_and_no_other(own_server):
    server = own_server()
    server.run("crm", "org", "create", "second", "--empty", "--name", "Second")
    second = connect(server, "second")
    status, _, _ = server.call("GET", f"{LEADS}?fields=id", headers={"Maton-Connection": second})
    assert status == 204
    _, org = server.get("/zoho-crm/crm/v8/org", **{"Maton-Connection": second})
    assert org["org"][0]["company_name"] == "Second"
    _, org = server.get("/zoho-crm/crm/v8/org")
    assert org["org"][0]["company_name"] != "Second"


def test_a_connection_made_anew_leads_to_its_new_organisation_at_once(own_server):
    server = own_server()
    server.run("crm", "org", "create", "second", "--empty", "--name", "Second")
    set_password(server, "second")

    def company():
        return server.get("/zoho-crm/crm/v8/org")[1]["org"][0]["company_name"]

    for slug, name in (("second", "Second"), ("demo", "Harbour & Pine"), ("second", "Second")):
        before = company()
        _, listed = server.get("/connections?status=ACTIVE")
        go_through(listed["connections"][0]["url"], slug)
        assert company() == name != before


def test_a_deleted_connection_is_refused_at_once(own_server):
    server = own_server()
    server.run("crm", "org", "create", "second", "--empty")
    second = connect(server, "second")
    named = {"Maton-Connection": second}
    assert server.call("GET", f"{LEADS}?fields=id", headers=named)[0] == 204
    assert server.call("DELETE", f"/connections/{second}")[0] == 200
    assert server.call("GET", f"{LEADS}?fields=id", headers=named)[0] == 404


def test_without_a_connection_the_answer_says_how_to_make_one(own_server):
    server = own_server()
    _, listed = server.get("/connections")
    for connection in listed["connections"]:
        server.call("DELETE", f"/connections/{connection['connection_id']}")
    status, answer = server.get(f"{LEADS}?fields=id")
    assert (
        status == 400
        and answer["error"]["code"] == "connection_missing"
        and "POST /connections" in answer["detail"]
    )


def test_a_revoked_key_stops_working_within_a_second_in_every_worker(own_server):
    server = own_server("--workers", "2")
    key = json.loads(server.run("key", "create", "--name", "short", "--json").stdout)["key"]
    own = {"Authorization": f"Bearer {key['secret']}"}
    for _ in range(20):
        assert server.call("GET", f"{LEADS}?fields=id", headers=own)[0] == 200
    server.run("key", "revoke", key["id"], "--yes")
    wait_until(
        lambda: all(server.call("GET", f"{LEADS}?fields=id", headers=own)[0] == 401 for _ in range(20)), 3
    )
    assert server.call("GET", f"{LEADS}?fields=id")[0] == 200


def test_several_workers_serve_one_organisation(own_server):
    server = own_server("--workers", "2")
    answers = [json.loads(server.call("POST", LEADS, {"data": [{"Last_Name": "x"}]})[2]) for _ in range(30)]
    ids = [created["data"][0]["details"]["id"] for created in answers]
    assert len(set(ids)) == 30
    _, answer = server.get(f"{LEADS}?fields=id&ids={','.join(ids)}")
    assert answer["info"]["count"] == 30
    assert server.stop() == 0


def test_an_organisation_deleted_by_a_command_is_gone_from_the_server(own_server):
    server = own_server()
    server.run("crm", "org", "create", "second", "--empty")
    second = connect(server, "second")
    server.run("crm", "org", "delete", "second", "--yes")
    named = {"Maton-Connection": second}
    wait_until(lambda: server.call("GET", f"{LEADS}?fields=id", headers=named)[0] == 401)


def test_the_crms_origin_speaks_only_zohos_dialect(server):
    for path in ("/", "/connections", "/zoho-crm/crm/v8/Leads", "/readyz"):
        status, headers, body = server.call("GET", path, base=server.crm)
        assert status == 404 and json.loads(body)["code"] == "INVALID_URL_PATTERN"
        assert headers["content-type"].startswith("application/json")
    status, _, body = server.call("GET", "/crm/v8/Leads?fields=id", base=server.crm)
    assert status == 401 and json.loads(body)["code"] == "INVALID_TOKEN"
    status, headers, body = server.call("GET", f"/crm/v8/Leads?fields={'a' * 17_000}", base=server.crm)
    assert status == 414 and json.loads(body)["code"] == "INVALID_REQUEST"
    assert (
        headers["content-type"] == "application/json;charset=UTF-8" and "moorage-error-source" not in headers
    )


def test_both_origins_give_the_same_bytes(server):
    token = server.credentials["access_token"]
    direct = server.call(
        "GET", "/crm/v8/Leads?fields=Last_Name,Owner,Created_Time", base=server.crm,
        headers={"Authorization": f"Zoho-oauthtoken {token}"},
    )  # fmt: skip
    through = server.call("GET", "/zoho-crm/crm/v8/Leads?fields=Last_Name,Owner,Created_Time")
    assert direct[0] == through[0] == 200
    assert direct[2] == through[2]


def test_refreshing_gives_a_new_token_that_works(server):
    credentials = server.credentials
    form = {k: credentials[k] for k in ("client_id", "client_secret", "refresh_token")}
    body = urllib.parse.urlencode({"grant_type": "refresh_token", **form}).encode()
    with urllib.request.urlopen(credentials["token_url"], data=body) as answer:
        granted = json.loads(answer.read())
    assert granted["api_domain"] == server.crm and granted["expires_in"] == 3600
    owner = {"Authorization": f"Bearer {granted['access_token']}"}
    assert server.call("GET", "/crm/v8/org", base=server.crm, headers=owner)[0] == 200
