"""Connections: found, made, named, tried, deleted, and used by the texts that a page gives."""

import html
import itertools
import json
import os
import shutil
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import pytest

from moorage.console.connection import _who
from moorage.console.recipes import ZOHO_SDK
from tests.flows.storages import each_storage
from tests.waiting import wait_until

HOSTILE = "<img/src=x/onerror=alert(1)>\"'"
_numbers = itertools.count()


@pytest.fixture
def alias():
    return f"console-{next(_numbers)}-{os.getpid()}"


@pytest.fixture
def made(server, alias):
    """A connection to the embedded CRM, with an alias of its own."""
    body = {"app": "zoho-crm", "organisation": "demo", "alias": alias, "tags": [f"tag:{alias}"]}
    status, _, answer = server.call("POST", "/connections", body)
    assert status == 200, answer
    connection = json.loads(answer)["connection"]
    yield connection
    server.call("DELETE", f"/connections/{connection['connection_id']}")


def at(connection):
    return f"/console/connections/{connection['connection_id']}"


def test_a_list_says_whose_account_it_is_and_how_it_is(owner, made, alias):
    page = owner.open(f"/console/connections?q={alias}")
    assert f"{alias} Rename" in page.words
    assert "Harbour & Pine" in page.words
    [one] = owner.twin(f"/console/connections?tag=tag:{alias}&environment=embedded")["connections"]
    assert (one["alias"], one["url"], one["health"]["status"]) == (alias, None, "ok")
    assert owner.twin(f"/console/connections?tag=tag:{alias}&status=FAILED")["connections"] == []
    assert "No connection fits" in owner.open("/console/connections?q=nothing-like-this").words


def test_a_list_says_when_a_connection_was_called_last(owner, server, made, alias):
    assert "none yet" in owner.open(f"/console/connections?q={alias}").words
    server.call("GET", "/zoho-crm/crm/v8/org", None, {"Maton-Connection": alias})
    identity = made["connection_id"]
    wait_until(lambda: identity in owner.twin(f"/console/connections?q={alias}")["last_calls"])
    page = owner.open(f"/console/connections?q={alias}")
    assert f"console/requests?q=connection%3A{identity}" in page.text
    assert "none yet" not in page.words


@each_storage
def test_a_connection_is_made_with_a_link_for_whoever_connects_it(owner, alias):
    owner.open("/console/connections/new")
    page = owner.send("/connections", app="zoho-crm", leads="outside", access="read", alias=alias)
    assert "waits for a person" in page.words
    found = owner.twin(page.at)
    assert parse_qs(urlsplit(found["link"]).query)["access"] == ["read"]
    assert found["live"].startswith("PENDING")
    page = owner.open(f"{page.at.partition('?')[0]}/delete")
    assert f"Delete {alias}?" in page.words
    assert "It is deleted." in owner.send("/delete").words
    assert owner.open(found_at(found)).status == 404


def found_at(found):
    return at(found["connection"])


def test_a_connection_to_an_organisation_is_ready_at_once(owner, alias):
    owner.open("/console/connections/new")
    page = owner.send("/connections", app="zoho-crm", leads="organisation:demo", alias=alias)
    assert "It is connected." in page.words
    assert owner.twin(page.at.partition("?")[0])["connection"]["environment"] == "embedded"
    owner.open(f"{page.at.partition('?')[0]}/delete")
    owner.send("/delete")


def test_what_was_typed_stays_beside_the_error(owner, made, alias):
    owner.open("/console/connections/new")
    page = owner.send("/connections", app="zoho-crm", leads="outside", alias="No Alias", end_user=HOSTILE)
    assert page.status == 400
    assert 'value="No Alias"' in page.text
    assert "<img" not in page.text
    owner.open(at(made))
    page = owner.send("/labels", alias="No Alias", tags="", end_user="")
    assert (page.status, 'aria-invalid="true"' in page.text) == (400, True)
    assert owner.twin(at(made))["connection"]["alias"] == alias


def test_a_form_that_was_refused_can_be_sent_again(owner, alias):
    owner.open("/console/connections/new")
    assert owner.send(app="zoho-crm", leads="any", alias="No Alias").status == 400
    elsewhere = "https://nowhere.example/back"
    page = owner.send(app="zoho-crm", leads="any", alias=alias, return_url=elsewhere)
    assert f"People can't be sent to '{elsewhere}'" in page.words
    assert f'value="{elsewhere}"' in page.text
    page = owner.send(app="zoho-crm", leads="any", alias=alias)
    assert (page.status, alias in page.words) == (200, True)


@each_storage
def test_labels_change_in_the_list_and_on_the_page(owner, made, alias):
    owner.open(f"/console/connections?q={alias}")
    page = owner.send(f"{made['connection_id']}/labels", alias=f"{alias}-b")
    assert "The labels are changed." in page.words
    assert owner.twin(at(made))["connection"]["tags"] == [f"tag:{alias}"]
    owner.open(at(made))
    page = owner.send("/labels", alias="", tags="a b, c", end_user=HOSTILE)
    assert "<img" not in page.text
    found = owner.twin(at(made))
    assert found["connection"]["tags"] == ["a", "b", "c"]
    assert found["connection"]["end_user"] == HOSTILE
    assert found["events"][0]["said"] == "Got other labels"
    assert "Got other labels" in page.words


def test_who_sees_no_values_makes_no_test(join, made):
    page = join("support").post(f"{at(made)}/test", {})
    assert (page.status, "Your role, support, does not see what apps answer" in page.words) == (403, True)


def test_a_test_is_one_harmless_call(owner, made):
    owner.open(at(made))
    page = owner.send("/test")
    assert "GET /zoho-crm/crm/v8/org took" in page.words
    assert "Harbour &amp; Pine" in page.text
    assert owner.open(f"{at(made)}/test").status == 200
    tokens = owner.twin(at(made))["tokens"]
    assert tokens["made"] <= tokens["allowed"] == 9
    assert "Diagnose again" in owner.open(f"{at(made)}?diagnosis=1").words


def test_a_default_is_chosen(owner, server, made, alias):
    owner.open(at(made))
    try:
        assert "default" in owner.send("/default").words
        assert owner.twin(at(made))["connection"]["default"] is True
    finally:
        server.call("DELETE", "/apps/zoho-crm/default")


def test_no_page_has_a_token(owner, made):
    for path in (at(made), f"{at(made)}?tab=use", f"{at(made)}?diagnosis=1", "/console/connections"):
        # A program for Zoho's SDK names what its file has.
        text = owner.open(path).text.replace(html.escape(ZOHO_SDK).replace("&quot;", "&#34;"), "")
        assert "access_token" not in text and "refresh_token" not in text


@pytest.mark.parametrize("role", ["approver", "support"])
def test_who_may_only_look_is_offered_and_sent_no_more(join, made, role):
    person = join(role)
    page = person.open(at(made))
    assert not any(word in page.words for word in ("Delete", "Reconnect", "Save the labels", "Make default"))
    assert ("Test" in page.words.split()) == (role == "approver")
    found = person.twin(at(made))
    assert found["link"] is None and found["connection"]["url"] is None
    assert (found["events"] is None) == (role == "approver")
    assert person.open("/console/connections/new").status == 403
    assert person.open(f"{at(made)}/delete").status == 403
    owner = join("owner")
    owner.open(at(made))
    person.page = owner.page  # A form that the page does not offer.
    assert person.send("/labels", alias="x").status == 403


def test_another_id_is_not_there(owner):
    assert owner.open("/console/connections/e55c5bac-241a-4cc8-9db5-50d2cad09136").status == 404


PROGRAMS = {"curl": ["bash", "-c"], "javascript": ["node", "-e"]}
PROGRAMS |= {example: [sys.executable, "-c"] for example in ("python", "maton")}


@pytest.mark.parametrize("example", PROGRAMS)
def test_texts_for_programs_work(owner, server, made, example):
    found = owner.twin(f"{at(made)}?tab=use")
    command = PROGRAMS[example]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed here")
    done = subprocess.run(
        [*command, found["recipes"][example]],
        env={**os.environ, "MOORAGE_API_KEY": server.api_key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Last_Name" in done.stdout, done.stderr
    assert made["alias"] in found["recipes"][example]


def test_the_mcp_entry_names_this_connection_alone(owner, server, made):
    found = owner.twin(f"{at(made)}?tab=use")
    entry = json.loads(found["recipes"]["mcp"])["mcpServers"]["moorage"]
    assert entry["url"] == found["mcp_url"] == f"{server.gateway}/mcp/c/{made['alias']}"
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    path = entry["url"].removeprefix(server.gateway)
    assert server.call("POST", path, asked, headers)[0] < 500


def test_zohos_sdk_is_told_of_the_organisation_of_the_connection(owner, server, made, alias):
    assert server.call("POST", "/organisations", {"slug": alias, "sample": False})[0] == 200
    try:
        body = {"app": "zoho-crm", "organisation": alias, "alias": f"to-{alias}"}
        other = json.loads(server.call("POST", "/connections", body)[2])["connection"]
        for connection, organisation in ((made, "demo"), (other, alias)):
            page = owner.open(f"{at(connection)}?tab=use")
            zoho = owner.twin(page.at)["zoho"]
            assert f"moorage crm credentials --org {organisation} --json >credentials.json" in page.words
            assert zoho["credentials"] in page.words.replace("&gt;", ">")
            compile(zoho["program"], "program", "exec")
        server.call("DELETE", f"/connections/{other['connection_id']}")
    finally:
        server.call("DELETE", f"/organisations/{alias}")


def test_the_story_of_a_connection_names_whoever_had_its_link():
    assert _who({"kind": "person", "id": None, "name": None}) == "whoever had its link"
    assert _who({"kind": "person", "id": "person_1", "name": "Ada"}) == "Ada"
    assert _who({"kind": "server", "id": None, "name": None}) == "server"


def test_tokens_are_counted_and_not_shown(server, made):
    status, _, answer = server.call("GET", f"/connections/{made['alias']}/tokens")
    assert status == 200
    tokens = json.loads(answer)["tokens"]
    assert tokens.keys() == {"made", "allowed", "window_seconds", "expires_at", "renewable"}
    assert tokens["renewable"] is True and tokens["expires_at"]


def test_several_connections_are_deleted_after_a_question(server, owner, made, alias):
    other = json.loads(server.call("POST", "/connections", {"app": "zoho-crm"})[2])["connection"][
        "connection_id"
    ]
    listed = owner.open(f"/console/connections?q={alias}")
    assert f'value="{made["connection_id"]}" form="ticked"' in listed.text
    asked = owner.open(f"/console/connections/delete?ids={made['connection_id']}&ids={other}&ids=gone")
    assert all(
        words in asked.words for words in ("Delete 2 connections?", alias, "nobody yet", "1 more that you")
    )
    assert "session_token" not in asked.text
    done = owner.send("/connections/delete", ids=[made["connection_id"], "gone", other])
    assert (done.status, "Deleted: 2 of 3 connections" in done.words) == (200, True)
    assert "gone not done There is no connection" in done.words
    assert "The connection held no tokens." in done.words
    assert server.call("GET", f"/connections/{other}")[0] == 404
    assert "Nothing to delete" in owner.open(f"/console/connections/delete?ids={other}").words
    assert owner.open("/console/connections/delete").status == 400
