"""call_api: any call of an app, whatever an agent gives it."""

import pytest

from tests.mcp_client import called, key_with, tools_of

LEADS = "/crm/v8/Leads"


@pytest.fixture(scope="module")
def call(server):
    key = key_with(server, name="caller", scopes=["proxy:zoho-crm"], policy={"mode": "open"})

    def call(path, method="GET", **more):
        return called(f"{server.gateway}/mcp", key, "call_api", {"method": method, "path": path, **more})

    call.key = key
    return call


def test_any_call_of_the_app_is_made_as_it_is(call):
    lead = {"data": [{"Last_Name": "Müller"}]}
    made = call(LEADS, "POST", body=lead).structured_content
    assert made["status"] == 201
    lead_id = made["body"]["data"][0]["details"]["id"]
    read = call(f"{LEADS}/{lead_id}?fields=Last_Name", query={"x": True}).structured_content
    assert read["body"]["data"][0]["Last_Name"] == "Müller"
    assert call(f"{LEADS}/{lead_id}", "DELETE").structured_content["status"] == 200
    gone = call(f"{LEADS}/{lead_id}")
    assert (gone.is_error, gone.structured_content) == (False, {"status": 204})


def test_an_apps_error_is_an_answer_and_a_refusal_is_an_error(call):
    answer = call("/crm/v8/Noplace", query={"fields": "id"})
    assert (answer.is_error, answer.structured_content["status"]) == (False, 400)
    assert answer.structured_content["body"]["code"] == "INVALID_MODULE"
    refused = call("/crm/../../v8/Leads")
    assert refused.is_error and refused.content[0].text.startswith("path_invalid: ")
    gateways = call(f"/zoho-crm{LEADS}").content[0].text
    assert gateways.startswith("path_invalid: ") and gateways.endswith(f"Next: Use {LEADS}.")
    unknown = call(LEADS, app="no-such-app")
    assert unknown.is_error and "app_" in unknown.content[0].text
    nobodys = call(LEADS, account="nobodys").content[0].text
    assert nobodys.startswith("connection_unknown: ") and nobodys.endswith(
        "list_accounts shows the accounts."
    )


def test_a_long_body_is_cut_and_says_so(call):
    answer = call("/crm/v8/settings/fields", query={"module": "Leads"}).structured_content
    assert len(answer["body"]) <= 16_000
    assert answer["truncated"].startswith("the first ")


@pytest.mark.parametrize(
    "path",
    [
        "/crm/v8/Le ads",
        "/crm/v8/\x00",
        "/crm/v8/\r\nHost: x",
        "/crm/v8/ü",
        "/%",
        "//x",
        "/x?a=b c&d=\n",
        "/" + "a" * 3000,
    ],
    ids=["space", "nul", "line", "umlaut", "percent", "slashes", "query", "long"],
)
def test_whatever_an_agent_gives_as_a_path_is_answered(call, path):
    answer = call(path)
    text = answer.content[0].text
    assert "inside Moorage" not in text
    assert answer.is_error or answer.structured_content["status"] >= 400


def test_a_part_behind_a_hash_is_refused(call):
    assert call(f"{LEADS}#1").content[0].text.startswith("arguments_invalid: ")


def test_a_key_that_only_reads_sees_call_api_and_can_not_write_with_it(server):
    url, key = f"{server.gateway}/mcp", key_with(server, name="reader", scopes=["proxy:zoho-crm:read"])
    tools = tools_of(url, key)
    assert tools.keys() >= {"call_api", "check_approval", "list_accounts"}
    assert "connect_account" not in tools
    assert tools["call_api"].annotations.read_only_hint
    refused = called(url, key, "call_api", {"method": "DELETE", "path": f"{LEADS}/1"})
    assert refused.content[0].text.startswith("scope_missing: ")
