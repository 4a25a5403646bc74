"""The screens on which people ask an account: COQL, the list of operations, and one call."""

import json
import shlex
from urllib.parse import urlencode

import pytest

from moorage.console.recipes import curl
from tests.console.hostile import HOSTILE, seen_as_text
from tests.flows.storages import each_storage

ASK = "select Last_Name, Company from Leads where id is not null limit 2"


def asking(query, **more):

    return f"/console/query?{urlencode({'q': query, **more})}"


@each_storage
def test_a_query_shows_its_rows_and_the_same_call(owner):
    page = owner.open(asking(ASK))
    assert "2 rows, and there are more" in page.words
    assert "Last_Name Company id" in page.words
    assert "/zoho-crm/crm/v8/coql" in page.words
    found = owner.twin(asking(ASK))
    assert found["result"]["columns"] == ["Last_Name", "Company", "id"]
    assert len(found["result"]["rows"]) == 2


def test_a_shell_reads_the_command_as_it_was_meant():
    url, body = "http://here/zoho-crm/a b?c='$(d)'", '{"e": "it\'s `f` \\\\ \\""}'
    command = shlex.split(curl("POST", url, "g", body))
    assert {url, body, "POST", "Maton-Connection: g"} <= set(command)


def test_a_wrong_query_says_where_it_is_wrong(owner):
    page = owner.open(asking("select Last_Name form Leads"))
    assert page.status == 400
    assert "SYNTAX_ERROR : unexpected token (line 1, column 18)" in page.words
    assert 'near="form" line="1" column="18"' in page.text
    assert "select Last_Name form Leads</textarea>" in page.text


def test_a_page_of_another_site_asks_nothing(owner):
    page = owner.ask("GET", asking(ASK), headers={"Sec-Fetch-Site": "cross-site"})
    assert (page.status, "2 rows" in page.words) == (200, False)


def test_rows_as_csv_run_nothing_in_a_spreadsheet(owner):
    connection = owner.twin("/console/query")["connection"]["connection_id"]
    body = json.dumps({"data": [{"Last_Name": "=1+1", "Company": "csv-test"}]})
    call = {"connection": connection, "method": "POST", "path": "/crm/v8/Leads", "body": body}
    owner.open("/console/query/call")
    owner.send("/query/call", **call)
    page = owner.ask("GET", asking("select Last_Name from Leads where Company = 'csv-test'", format="csv"))
    assert page.headers["content-disposition"] == 'attachment; filename="query.csv"'
    assert page.text.startswith("Last_Name,id\r\n'=1+1,")


def test_the_editor_is_told_the_names_that_complete_a_query(owner):
    modules = owner.twin("/console/query/names")["names"]
    assert {"name": "Leads", "label": "Leads"} in modules
    fields = owner.twin("/console/query/names?module=Leads")["names"]
    [owners] = [field for field in fields if field["name"] == "Owner"]
    assert (owners["type"], owners["label"]) == ("ownerlookup", "Lead Owner")


def test_operations_are_found_by_words(owner):
    found = owner.twin("/console/query/operations?find=post+coql")
    assert [(entry["method"], entry["path"]) for entry in found["operations"]] == [("POST", "/crm/v8/coql")]
    assert owner.twin("/console/query/operations")["count"] > 200


def test_one_call_shows_its_answer(owner):
    owner.open("/console/query/call?path=/crm/v8/Leads/count")
    page = owner.send("/query/call", method="GET", path="/crm/v8/Leads/actions/count")
    assert ("Answer 200" in page.words, '"count":' in page.words) == (True, True)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"path": "/crm/v8/Leads/{record_id}"}, "still has {record_id}"),
        ({"path": "crm/v8"}, "The path begins with /"),
        ({"path": "/crm/v8/Le ads"}, "has no spaces"),
        ({"path": "/x", "method": "BREW"}, "The method has to be one of"),
        ({"path": "/x", "method": "POST", "body": "{"}, "The body is not JSON"),
    ],
)
def test_a_call_that_can_not_be_made_is_said_and_kept(owner, call, said):
    owner.open("/console/query/call")
    page = owner.send("/query/call", **{"method": "GET", **call})
    assert (page.status, said in page.words) == (400, True)


def test_an_approver_asks_and_changes_nothing(member):
    approver = member("approver")
    assert "2 rows" in approver.open(asking(ASK)).words
    approver.open("/console/query/call")
    page = approver.send("/query/call", method="POST", path="/crm/v8/Leads", body='{"data": [{}]}')
    assert "Answer 403" in page.words
    assert "policy_denied" in page.words


def test_support_asks_nothing(member):
    support = member("support")
    assert support.open(asking(ASK)).status == 403
    assert support.open("/console/query/call?path=/crm/v8/Leads").status == 403


def test_text_of_others_is_text(owner):
    for hostile in HOSTILE:
        for page in (owner.open(asking(hostile)), owner.open(asking("", find=hostile))):
            assert page.status in {200, 400, 404}
            assert seen_as_text(page)
        owner.open("/console/query/call")
        assert seen_as_text(
            owner.send("/query/call", method="GET", path=hostile, query=hostile, body=hostile)
        )
