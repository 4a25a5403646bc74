"""The screens of calls: the list with its query, one call, its repeat, errors by kind, and the tail."""

import http.client
import json
import re
from urllib.parse import quote, urlsplit

import pytest

from tests.console.visitor import Visitor
from tests.flows.storages import each_storage
from tests.waiting import wait_until

HOSTILE = "\"'<img src=x onerror=alert(1)>\u202e" + "x" * 30


@pytest.fixture(scope="module")
def seen(server):
    """What this module looks at: a server, its owner, a key with a hostile name, and a call of each kind."""
    owner = Visitor(server).join("owner")
    key = server.run("key", "create", "--name", HOSTILE).stdout.strip()

    def call(method, path, body=None):
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        return server.call(method, path, body, headers)[1]["x-request-id"]

    ids = {
        "made": call("GET", "/zoho-crm/crm/v8/Leads?fields=Last_Name"),
        "failed": call("POST", "/zoho-crm/crm/v8/Leads", {"data": [{"Email": "nonsense"}]}),
        "refused": call("GET", "/github/user"),
    }
    for id_ in ids.values():
        wait_until(lambda id_=id_: owner.ask("GET", f"/console/requests/{id_}?format=json").status == 200)
    return owner, key, ids


def term(query):
    return f"/console/requests?q={quote(query)}"


@each_storage
def test_the_list_shows_calls_with_who_made_them_and_the_terms_of_its_query(seen):
    owner, _, ids = seen
    page = owner.open(term("status:>=400 module:Leads since:1h"))
    assert ids["failed"] in page.text
    assert ids["made"] not in page.text
    assert HOSTILE in page.words.replace("&#34;", '"')
    assert "<img" not in page.text
    assert "<strong>Leads</strong>" in page.text
    assert (
        f'href="?q={quote("module:Leads since:1h", safe="/")}"' in page.text
    )  # The query without its first term.
    assert "Remove module:Leads" in page.text
    own = owner.open(term(f"status:>=400 module:Leads key:{key_of(owner)} since:1h"))
    assert "1 with an error" in own.words


@each_storage
def test_each_bar_is_a_link_to_its_calls(seen):
    owner, _, ids = seen
    page = owner.open(term(f"key:{key_of(owner)} since:1h"))
    links = re.findall(r'<a href="\?q=([^"]*)" data-since', page.text)
    found = [call for link in links for call in owner.twin(f"/console/requests?q={link}")["requests"]]
    assert sorted(call["request_id"] for call in found) == sorted(ids.values())


def test_calls_that_people_make_by_pages_can_be_left_out(seen):
    owner = seen[0]
    page = owner.open(term("since:1h"))
    assert f'href="?q={quote("since:1h caller:key", safe="/")}"' in page.text
    owner.open("/console/crm")
    found = owner.twin(term("since:1h caller:key"))["requests"]
    assert {call["key"]["id"][:4] for call in found} == {"key_"}
    assert "Without calls of pages" not in owner.open(term("since:1h caller:key")).words


def key_of(owner):
    calls = owner.twin("/console/requests")["requests"]
    return next(call["key"]["id"] for call in calls if call["key"]["name"] == HOSTILE)


def test_a_query_that_cannot_be_read_is_shown_again_with_what_is_wrong(seen):
    page = seen[0].open(term("sttus:404"))
    assert page.status == 400
    assert "Did you mean" in page.words
    assert 'value="sttus:404"' in page.text and "<table" not in page.text


def test_one_call_says_what_happened_and_what_to_do(seen):
    owner, _, ids = seen
    refused = owner.open(f"/console/requests/{ids['refused']}").words
    assert "Moorage answered 400 itself (connection_missing)" in refused
    assert "Nothing was sent to the app" in refused
    assert "What to do: Create one with POST /connections" in refused
    failed = owner.open(f"/console/requests/{ids['failed']}")
    assert "and the app answered 400" in failed.words
    assert "<img" not in failed.text
    assert re.search(r'<dt>Account</dt><dd><a href="[^"]*">Harbour &amp; Pine</a>', failed.text)
    snippets = owner.twin(f"/console/requests/{ids['failed']}")["snippets"]
    assert [one["name"] for one in snippets] == ["curl", "Python", "JavaScript"]
    assert owner.open("/console/requests/unknown").status == 404


@each_storage
def test_errors_are_shown_by_kind(seen):
    owner, _, ids = seen
    page = owner.open("/console/requests/errors")
    assert f"requests/{ids['refused']}" in page.text
    assert "github GET /user" in page.words


@each_storage
def test_a_call_is_made_again_in_the_embedded_crm_and_names_the_person(seen):
    owner, _, ids = seen
    owner.open(f"/console/requests/{ids['made']}/replay")
    page = owner.send(
        connection=inside(owner),
        method="GET",
        path="/crm/v8/Leads",
        query="fields=Company&per_page=1",
        body="",
    )
    assert "The answer now 200" in page.words
    again = page.text.rpartition("console/requests/")[2].partition('"')[0]
    wait_until(lambda: owner.ask("GET", f"/console/requests/{again}?format=json").status == 200)
    assert owner.twin(f"/console/requests/{again}")["request"]["key"]["name"] == owner.name
    assert again in owner.open(term(f'key:"{owner.name}"')).text


def test_a_call_is_made_again_where_it_was_made_and_a_body_that_was_not_kept_is_said(seen):
    owner, key, _ = seen
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    body = {"app": "zoho-crm", "organisation": "demo"}
    made = json.loads(owner.server.call("POST", "/connections", body, headers)[2])["connection"]
    there = {**headers, "Maton-Connection": made["connection_id"]}
    id_ = owner.server.call("POST", "/zoho-crm/crm/v8/Leads", {"data": [{}]}, there)[1]["x-request-id"]
    wait_until(lambda: owner.ask("GET", f"/console/requests/{id_}?format=json").status == 200)
    page = owner.open(f"/console/requests/{id_}/replay")
    assert f'value="{made["connection_id"]}" selected' in page.text
    assert "The call had a body of 14 B, which was not kept" in page.words


def inside(owner):
    return owner.twin(owner.page.at)["connections"][0]["id"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"body": "{"}, "The body is not JSON"),
        ({"path": "crm"}, "The path begins with /"),
        ({"method": "TRACE"}, "The method is one of"),
        ({"connection": "nothing"}, "nothing"),
        ({"path": "/crm/v8/\r\nX: y\u202e"}, "The answer now 4"),
    ],
    ids=["body", "path", "method", "connection", "line break"],
)
def test_a_form_with_a_mistake_is_shown_again(seen, changes, told):
    owner, _, ids = seen
    owner.open(f"/console/requests/{ids['failed']}/replay")
    typed = {"connection": inside(owner), "method": "GET", "path": "/crm/v8/Leads", "query": "", "body": ""}
    assert told in owner.send(**typed | changes).words


def test_nothing_is_sent_through_a_connection_that_leads_outside(seen):
    owner, key, ids = seen
    headers = {"Authorization": f"Bearer {key}"}
    made = owner.server.call("POST", "/connections", {"app": "github"}, headers)
    outside = json.loads(made[2])["connection"]["connection_id"]
    owner.open(f"/console/requests/{ids['made']}/replay")
    page = owner.send(connection=outside, method="GET", path="/user", query="", body="")
    assert "leads outside" in page.words


def test_roles_see_what_they_may(seen):
    owner, _, ids = seen
    support = Visitor(owner.server).join("support")
    page = support.open(f"/console/requests/{ids['failed']}")
    assert "Replay" not in page.words
    assert "Your role does not see bodies" in page.words
    assert "bodies" not in support.twin(f"/console/requests/{ids['failed']}")["request"]
    assert support.ask("GET", f"/console/requests/{ids['failed']}/replay").status == 403


def test_the_tail_shows_calls_as_they_end_until_the_person_is_gone(seen):
    owner, key, _ = seen
    somebody = Visitor(owner.server).join("support")
    assert somebody.ask("GET", "/console/requests/tail?q=a:b&format=json").status == 400
    address = urlsplit(owner.server.gateway)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    try:
        connection.request(
            "GET", "/console/requests/tail?q=path:/crm/v8/org", headers={"Cookie": somebody.cookie}
        )
        answer = connection.getresponse()
        assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert answer.readline().startswith(b": the calls follow")
        call = lambda: owner.server.call(  # noqa: E731
            "GET", "/zoho-crm/crm/v8/org", None, {"Authorization": f"Bearer {key}"}
        )
        id_ = call()[1]["x-request-id"]
        lines = iter(answer.readline, b"")
        [data] = [next(line for line in lines if line.startswith(b"data: "))]
        assert json.loads(data[6:])["request_id"] == id_
        owner.server.run("people", "remove", somebody.email, "--yes")
        call()
        rest = [answer.readline(), answer.readline()]  # One that does not end would go on for ever.
        assert rest in ([b"\n", b""], [b"", b""])
    finally:
        connection.close()
