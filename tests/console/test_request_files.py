"""Calls of the log as files: HAR, and fixtures that answer in tests."""

import asyncio
import json
import re
from types import SimpleNamespace

import pytest
import requests
import vcr
from vcr.errors import CannotOverwriteExistingCassetteException

from moorage.console.calls import Answer
from moorage.console.requests import har
from moorage.console.requests.fixture import _cassette
from moorage.console.requests.har import _archive, _listed
from tests.console.visitor import Visitor
from tests.waiting import wait_until

HOSTILE = '"></script><img src=x onerror=alert(1)>\u202e'
BASE = "http://moorage.test"
HAR_REQUEST = {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"}
HAR_ANSWER = {"status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL"}


def call_of(**changes):
    """A call as the API shows it, with its bodies."""
    body = {"type": "application/json", "bytes": 30, "text": json.dumps({"data": [HOSTILE]}), "why": None}
    call = {
        "request_id": "r1",
        "at": "2026-11-30T10:00:00.500000Z",
        "key": {"id": "key_1", "name": HOSTILE},
        "connection": {"id": "c1", "alias": "sales-eu"},
        "app": "zoho-crm",
        "environment": "live",
        "operation": "POST /crm/v8/{module}",
        "method": "POST",
        "path": "/crm/v8/Leads",
        "query": "fields=A,B&page_token=*",
        "status": 201,
        "source": "upstream",
        "sent": "true",
        "error": None,
        "bytes_in": 30,
        "bytes_out": 30,
        "duration_ms": 5.25,
        "app_ms": 4.0,
        "bodies": {"request": body, "answer": body},
    }
    return call | changes


def test_an_archive_has_all_that_har_asks_for_and_the_oldest_call_first():
    compressed = {"type": None, "bytes": 9, "text": None, "why": "compressed"}
    calls = [call_of(), call_of(status=None, app_ms=None, connection=None, query=None, bodies=None)]
    calls.append(call_of(app_ms=6.0, status=799, bodies={"request": None, "answer": compressed}))
    archive = _archive(calls, BASE)["log"]
    third, second, first = archive["entries"]
    assert (archive["version"], archive["creator"]["name"]) == ("1.2", "Moorage")
    for entry in (first, second, third):
        assert entry["request"].keys() >= HAR_REQUEST and entry["response"].keys() >= HAR_ANSWER
        times = [entry["timings"][name] for name in ("blocked", "send", "wait", "receive")]
        assert sum(times) == entry["time"] and min(times) >= 0
    assert first["request"]["url"] == f"{BASE}/zoho-crm/crm/v8/Leads?fields=A,B&page_token=*"
    assert first["request"]["queryString"][0] == {"name": "fields", "value": "A,B"}
    assert json.loads(first["request"]["postData"]["text"]) == {"data": [HOSTILE]}
    assert first["response"]["content"]["text"] == call_of()["bodies"]["answer"]["text"]
    assert {header["name"] for header in first["request"]["headers"]} == {"Maton-Connection", "Content-Type"}
    assert (second["response"]["status"], second["request"]["headers"]) == (0, [])
    assert (
        "compressed" in third["response"]["content"]["comment"] and "text" not in third["response"]["content"]
    )


def test_a_fixture_answers_in_the_place_of_the_server(tmp_path):
    file = tmp_path / "call.json"
    file.write_text(json.dumps(_cassette(call_of(), BASE)))
    with vcr.use_cassette(str(file), serializer="json", record_mode="none"):
        answer = requests.post(f"{BASE}/zoho-crm/crm/v8/Leads?fields=A,B&page_token=*", json={"data": 1})
        assert (answer.status_code, answer.reason, answer.json()) == (201, "Created", {"data": [HOSTILE]})
        with pytest.raises(CannotOverwriteExistingCassetteException):
            requests.get(f"{BASE}/zoho-crm/crm/v8/Contacts")
    cut = call_of()["bodies"]["answer"] | {"why": "too_long"}
    told = _cassette(call_of(bodies={"request": None, "answer": cut}), BASE)["moorage"]["left_out"]
    assert told == [
        "values in the address, for which an asterisk stands",
        "the body of the request",
        "the end of the body of the answer",
    ]


class _Visit(SimpleNamespace):
    """A person's visit to a list of 5,000 calls, each with a body."""

    def may(self, scope):
        return scope != "requests:bodies" or self.sees_bodies

    async def control(self, _method, _path, query):
        self.asked.append(query)
        calls = [{"number": number} for number in range(query["limit"])]
        document = {"requests": calls, "next_cursor": str(len(self.asked))}
        return Answer(200, {}, json.dumps(document).encode().ljust(self.length))


@pytest.mark.parametrize("sees_bodies", [True, False])
def test_a_list_is_saved_up_to_its_limits_with_bodies_for_those_who_may_see_them(sees_bodies, monkeypatch):
    visit = _Visit(query={"q": "app:zoho-crm", "cursor": "9"}, sees_bodies=sees_bodies, asked=[], length=0)
    calls, is_all = asyncio.run(_listed(visit))
    assert (len(calls), is_all) == (500, False)
    assert [asked["cursor"] for asked in visit.asked] == ["9", "1", "2", "3", "4"]
    assert all(("bodies" in asked) == sees_bodies and asked["q"] == "app:zoho-crm" for asked in visit.asked)
    monkeypatch.setattr(har, "_MOST_BYTES", 20_000)
    long = _Visit(query={}, sees_bodies=sees_bodies, asked=[], length=10_000)
    assert len(asyncio.run(_listed(long))[0]) == 200


@pytest.fixture(scope="module")
def called(request):
    """A server, its owner, and the id of a call."""
    server = request.getfixturevalue("sqlite_server")
    owner = Visitor(server).join("owner")
    _, headers, _ = server.call("GET", "/zoho-crm/crm/v8/Leads?fields=Last_Name&per_page=2")
    id_ = headers["x-request-id"]
    wait_until(lambda: server.call("GET", f"/requests/{id_}")[0] == 200)
    return server, owner, id_


def test_files_are_saved_from_the_pages_and_have_no_key(called):
    server, owner, id_ = called
    page = owner.open(f"/console/requests/{id_}")
    links = re.findall(r'href="(\.\./[^"]*/(?:har|fixture))"', page.text)
    assert [link.rpartition("/")[2] for link in links] == ["har", "fixture"]
    assert "Left out: the body of the answer." in page.words
    for name, file in (("har", f"call-{id_}.har"), ("fixture", f"call-{id_}.json")):
        saved = owner.open(f"/console/requests/{id_}/{name}")
        assert saved.headers["content-disposition"] == f"attachment; filename*=UTF-8''{file}"
        assert "zoho-crm/crm/v8/Leads?fields=Last_Name&per_page=2" in saved.text
        assert server.api_key not in saved.text and "uthorization" not in saved.text
    listed = owner.open(f"/console/requests/har?q=id:{id_}")
    assert [entry["_moorage"]["request_id"] for entry in listed.json["log"]["entries"]] == [id_]
    assert owner.open("/console/requests?q=module:Leads").text.count('/har?q=module%3ALeads"') == 1
    assert owner.open("/console/requests/har?q=a:b").status == 400
    assert owner.open("/console/requests/nothing/fixture").status == 404


def test_whoever_sees_no_bodies_saves_files_without_them(called):
    server, _, id_ = called
    support = Visitor(server).join("support")
    for path in (f"{id_}/har", f"{id_}/fixture", "har"):
        assert support.open(f"/console/requests/{path}").status == 200
    assert Visitor(server).open("/console/requests/har").words.startswith("Sign in")
