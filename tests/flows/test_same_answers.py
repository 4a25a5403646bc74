"""The CRM's answers are the same at its own origin, through the gateway in process, and through it over a socket."""

import json
import re
from urllib.parse import quote, quote_plus

import pytest

from tests.flows.storages import on_both_storages
from tests.flows.test_every_path import chunked, closes

pytestmark = on_both_storages
WAYS = {"crm": "", "embedded": "/zoho-crm", "crm as an app": "/outside"}
# What the gateway adds, and what belongs to one connection.
OF_THE_WAY = {
    "date", "server", "x-request-id", "moorage-error-source", "connection", "moorage-connection", "moorage-environment",
}  # fmt: skip
MADE_ANEW = re.compile(rb'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^"]*|"\d{15,}"')
JSON = "Content-Type: application/json\r\n"
MULTIPART = (
    '--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n\0\xff\r\n--b--\r\n"
)
LEADS = "/crm/v8/Leads"
NEVER = "If-Modified-Since: 2099-01-01T00:00:00Z\r\n"

READS = {
    "an organisation": ("GET", "/crm/v8/org", "", ""),
    "a page": ("GET", f"{LEADS}?fields=Last_Name,Email&per_page=3&page=2", "", ""),
    "a large page": ("GET", f"{LEADS}?fields=Last_Name,Email,Company,Created_Time,Owner,Tag&per_page=200", "", ""),
    "metadata": ("GET", "/crm/v8/settings/fields?module=Leads", "", ""),
    "a search": ("GET", f"{LEADS}/search?criteria={quote('(Last_Name:starts_with:A)')}&fields=id", "", ""),
    "a word": ("GET", f"{LEADS}/search?word=a%20b&fields=id", "", ""),
    "a count": ("GET", f"{LEADS}/actions/count", "", ""),
    "nothing": ("GET", f"{LEADS}/search?email=nobody@x.example&fields=id", "", ""),
    "nothing deleted": ("GET", f"{LEADS}/deleted?type=permanent", "", ""),
    "nothing new": ("GET", f"{LEADS}?fields=id", NEVER, ""),
    "no new users": ("GET", "/crm/v8/users", NEVER, ""),
    "no new modules": ("GET", "/crm/v8/settings/modules", NEVER, ""),
    "a head": ("HEAD", f"{LEADS}?fields=id", "", ""),
    "a head of nothing": ("HEAD", "/crm/v8/a/b/c", "", ""),
    "a get with a body": ("GET", f"{LEADS}?fields=id", JSON, '{"a": 1}'),
    "a long query": ("GET", f"{LEADS}?fields=id&ids={','.join(['7243485000000597000'] * 700)}", "", ""),
    "names that are encoded": ("GET", f"/crm/v8/%4Ceads?f%69elds={quote_plus('Last_Name,Email')}&x=%zz", "", ""),
    "a plus and a byte that is no UTF-8": ("GET", f"{LEADS}/search?word=a+%ff&fields=id", "", ""),
    "no fields": ("GET", LEADS, "", ""),
    "no module as it is spelled": ("GET", "/crm/v8/leads?fields=id", "", ""),
    "no module": ("GET", "/crm/v8/Nothings?fields=id", "", ""),
    "no record": ("GET", f"{LEADS}/1", "", ""),
    "no path": ("GET", "/crm/v8/a/b/c/d", "", ""),
    "no path at all": ("GET", "/nothing", "", ""),
    "no slash to end with": ("GET", f"{LEADS}/?fields=id", "", ""),
    "another version": ("GET", "/crm/v2/leads?per_page=2", "", ""),
    "metadata of another version": ("GET", "/crm/v2.1/settings/layouts?module=quotes", "", ""),
    "refused by another version": ("POST", "/crm/v2/quotes", JSON, '{"data": [{"Product_Details": 1}]}'),
    "no version": ("GET", "/crm/v9/Leads?fields=id", "", ""),
    "not here": ("GET", "/crm/v8/features", "", ""),
    "no query": ("POST", "/crm/v8/coql", JSON, "{}"),
    "no criteria": ("GET", f"{LEADS}/search?criteria=((&fields=id", "", ""),
    "no page token": ("GET", f"{LEADS}?fields=id&page_token=x", "", ""),
    "too many": ("GET", f"{LEADS}?fields=id&per_page=201", "", ""),
    "no method": ("PATCH", LEADS, JSON, "{}"),
    "options": ("OPTIONS", LEADS, "", ""),
    "no JSON": ("POST", LEADS, JSON, "{"),
    "no data": ("POST", LEADS, JSON, '{"data": []}'),
    "no body": ("POST", LEADS, "", ""),
    "a file": ("POST", LEADS, "Content-Type: multipart/form-data; boundary=b\r\n", MULTIPART),
    "every byte": ("PUT", LEADS, "Content-Type: image/png\r\n", "".join(map(chr, range(256)))),
    "records that are refused": ("POST", LEADS, JSON, '{"data": [{"Email": "x"}, {}, {"Last_Name": 5}]}'),
    "ids that are none": ("DELETE", f"{LEADS}?ids=1,x", "", ""),
    "a page for people": ("GET", "/oauth/v2/auth?response_type=code", "", ""),
    "a token": ("POST", "/oauth/v2/token", "Content-Type: application/x-www-form-urlencoded\r\n", "grant_type=x"),
    "no method of a page": ("DELETE", "/oauth/v2/auth", "", ""),
}  # fmt: skip


def ask(whole, way, method, path, headers="", body="", framing=None):
    """The answer to a request that goes that way."""
    surface = whole.surfaces[way]
    framing = framing or f"Content-Length: {len(body)}\r\n"
    sent = chunked(body, 700) if "chunked" in framing else body
    head = f"{method} {WAYS[way]}{path} HTTP/1.1\r\n{surface.host}{headers}{framing}\r\n"
    with surface.connect() as client:
        client.send(head)
        if "Expect" in framing:
            assert client.answer().status == 100
        client.send(sent)
        answer = client.answer(bare=method == "HEAD")
        assert client.buffer == b"" and not closes(answer)
        return answer


def comparable(answer):
    """What an answer says, wherever it was given."""
    headers = [(name.lower(), value) for name, value in answer.headers]
    return answer.status, sorted(pair for pair in headers if pair[0] not in OF_THE_WAY), answer.body


@pytest.mark.parametrize("name", READS)
def test_an_answer_is_the_same_whichever_way_it_comes(whole, name):
    first, *others = [ask(whole, way, *READS[name]) for way in WAYS]
    assert [comparable(other) for other in others] == [comparable(first)] * 2
    for other in others:
        assert other.names.get("moorage-error-source") == ("upstream" if first.status >= 400 else None)


def test_the_list_of_requests_has_every_kind_of_answer(whole):
    statuses = {ask(whole, "crm", *request).status for request in READS.values()}
    assert {200, 204, 304, 400, 404, 405} <= statuses


FRAMINGS = {
    "of known length": None,
    "in chunks": "Transfer-Encoding: chunked\r\n",
    "asked for": "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n",
}


def test_what_is_written_one_way_is_read_the_others_and_written_alike_in_any_framing(whole):
    written = []
    for way in WAYS:
        for framing in FRAMINGS.values():
            record = {"Last_Name": "Same Answers", "Description": "é" * 2000}
            body = json.dumps({"data": [record]})
            answer = ask(whole, way, "POST", LEADS, JSON, body, framing)
            assert answer.status == 201
            written.append(MADE_ANEW.sub(b"*", answer.body))
            record_id = json.loads(answer.body)["data"][0]["details"]["id"]
            read = [comparable(ask(whole, other, "GET", f"{LEADS}/{record_id}")) for other in WAYS]
            assert read[0][0] == 200 and read == [read[0]] * 3
            changed = [
                ask(whole, other, "PUT", f"{LEADS}/{record_id}", JSON, '{"data":[{"City":"x"}]}', framing)
                for other in WAYS
            ]
            assert {MADE_ANEW.sub(b"*", change.body) for change in changed} == {
                MADE_ANEW.sub(b"*", changed[0].body)
            }
            assert ask(whole, way, "DELETE", f"{LEADS}/{record_id}").status == 200
            gone = [comparable(ask(whole, other, "GET", f"{LEADS}/{record_id}")) for other in WAYS]
            assert gone == [gone[0]] * 3
    assert len(set(written)) == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_page_token_of_one_way_leads_on_at_the_others(whole, way):
    path = f"{LEADS}?fields=Last_Name&per_page=2"
    token = json.loads(ask(whole, way, "GET", path).body)["info"]["next_page_token"]
    pages = [
        json.loads(ask(whole, other, "GET", f"{path}&page_token={token}").body)["data"] for other in WAYS
    ]
    assert len(pages[0]) == 2 and pages == [pages[0]] * 3
