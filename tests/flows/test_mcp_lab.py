"""The tools for tests, of a whole server, with the official client."""

import json

import pytest

from tests.mcp.agent import rows_of
from tests.mcp_client import called, key_with, tools_of, with_client

SCOPES = ["organisations:read", "organisations:write"]


@pytest.fixture
def url(server):
    return f"{server.gateway}/mcp/lab"


@pytest.fixture
def organisation(server):
    """An organisation without records that an account leads to."""
    assert server.call("POST", "/organisations", {"slug": "lab", "sample": False})[0] == 200
    connected = server.call(
        "POST", "/connections", {"app": "zoho-crm", "organisation": "lab", "alias": "lab-account"}
    )
    assert connected[0] == 200
    yield "lab"
    server.call("DELETE", "/connections/lab-account")
    server.call("DELETE", "/organisations/lab")


def names(server):
    """The last names of all leads of the organisation."""
    chosen = {"Maton-Connection": "lab-account"}
    _, _, body = server.call("GET", "/zoho-crm/crm/v8/Leads?fields=Last_Name", headers=chosen)
    return {lead["Last_Name"] for lead in json.loads(body)["data"]} if body else set()


def test_a_test_puts_an_organisation_into_a_known_state(server, url, organisation):
    key = key_with(server, scopes=SCOPES)

    async def played(client):
        async def use(tool, **arguments):
            result = await client.call_tool(tool, {"organisation": organisation, **arguments})
            assert not result.is_error, result.content[0].text
            return result.structured_content

        seeded = await use("lab_seed", records={"Leads": [{"Last_Name": "Hopper"}]})
        assert len(seeded["ids"]["Leads"]) == 1
        await use("lab_snapshot", snapshot="one-lead")
        await use("lab_reset")
        assert names(server) == set()
        await use("lab_restore", snapshot="one-lead")
        return (await client.call_tool("lab_list", {})).structured_content

    listed = with_client(url, key, played)
    assert names(server) == {"Hopper"}
    assert {
        "organisation": "lab",
        "name": "lab",
        "accounts": "lab-account",
        "snapshots": "one-lead",
    } in rows_of(listed)


def test_an_organisation_that_no_account_leads_to_looks_missing(server, url):
    """Also for a key whose scopes let it change every organisation."""
    assert server.call("POST", "/organisations", {"slug": "elsewhere", "sample": False})[0] == 200
    key = key_with(server, scopes=SCOPES)
    for slug in ("elsewhere", "nowhere"):
        refused = called(url, key, "lab_reset", {"organisation": slug})
        assert refused.is_error
        assert refused.content[0].text == (
            f"organisation_unknown: No account leads to an organisation {slug!r}."
            " Next: lab_list shows those that there are."
        )
    listed = called(url, key, "lab_list").structured_content
    assert "elsewhere" not in [row[0] for row in listed["rows"]]
    server.call("DELETE", "/organisations/elsewhere")


def test_a_key_sees_and_uses_only_what_its_scopes_allow(server, url, organisation):
    key = key_with(server, scopes=["organisations:read"])
    assert set(tools_of(url, key)) == {"lab_list"}
    refused = called(url, key, "lab_reset", {"organisation": organisation})
    assert refused.is_error
    assert refused.content[0].text.startswith("scope_missing: ")


def test_what_is_lost_is_hinted_at(server, url):
    hints = {name: tool.annotations for name, tool in tools_of(url, key_with(server, scopes=SCOPES)).items()}
    assert {name for name, hint in hints.items() if hint.destructive_hint} == {
        "lab_reset",
        "lab_restore",
        "lab_snapshot",
    }
    assert [name for name, hint in hints.items() if hint.read_only_hint] == ["lab_list"]
