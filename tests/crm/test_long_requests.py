"""Requests and answers that are too long for memory, at the CRM's own origin."""

import asyncio
import io
import json

import pytest

from moorage.crm import server
from moorage.crm.api import routes
from moorage.crm.wire.refusals import refusal
from moorage.crm.wire.routing import Route, Router
from moorage.http.answering import Door, answering
from moorage.http.bodies import Allowance
from moorage.http.message import Parts, Request, Response
from tests.http.doors import pattern
from tests.http.origin import HOST, Origin
from tests.waiting import wait_until

MB = 1 << 20


async def give_back(call):
    """Answers with what was sent, part by part."""
    length = call.request.file().seek(0, io.SEEK_END)

    async def parts():
        file = call.request.file()
        while part := await asyncio.to_thread(file.read, 64 * 1024):
            yield part

    return Response(200, Parts(length, parts()))


@pytest.fixture
def upload(monkeypatch):
    """Before the CRM is made: an operation that takes long bodies, as those for files will."""
    route = Route("POST", "/crm/v8/given_back", give_back, ("ZohoCRM.files.CREATE",), max_body=32 * MB)
    monkeypatch.setattr(server, "operations", lambda: Router([*routes(), route]))


@pytest.fixture
def origin(upload, service, make_organisation):
    make_organisation("acme")
    origin = Origin(protocol=answering(Door(service.answer, service.admit), render_error=refusal))
    yield origin
    origin.stop()


@pytest.fixture
def send(origin, caller_of):
    token = caller_of("acme", "ZohoCRM.modules.ALL,ZohoCRM.files.CREATE").token
    with origin.connect() as client:

        def send(path, body, token=token):
            client.send(
                f"POST /crm/v8/{path} HTTP/1.1\r\n{HOST}Authorization: Zoho-oauthtoken {token}\r\n"
                f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
            )
            if (answer := client.answer()).status == 100:
                client.send(body)
                answer = client.answer()
            return answer

        yield send


def records(size):
    """A hundred records in so many bytes."""
    record = {"Last_Name": "x", "Description": "y" * (size // 100)}
    return json.dumps({"data": [record] * 100}).encode()


def test_an_operation_says_how_long_its_body_may_be(upload, service, make_organisation, caller_of):
    make_organisation("acme")
    token = caller_of("acme", "ZohoCRM.modules.ALL,ZohoCRM.files.CREATE").token
    for path, limit in [(b"/crm/v8/given_back", 32 * MB), (b"/crm/v8/Leads", 16 * MB)]:
        headers = [(b"authorization", b"Zoho-oauthtoken " + token.encode())]
        allowance = service.admit(Request("POST", path, headers=headers))
        assert isinstance(allowance, Allowance) and allowance.max_body == limit


def test_a_long_body_and_a_long_answer_pass_in_parts(send, service):
    body = pattern(0, 20 * MB)
    answer = send("given_back", body)
    assert (answer.status, answer.names["content-length"]) == (200, str(len(body)))
    assert answer.body == body
    budget = service._crm._of_callers
    wait_until(lambda: budget.held == budget.spool.used == 0)


def test_who_may_not_send_a_body_is_told_before_it(send):
    assert send("given_back", b"x" * 20 * MB, token="none").status == 401


def test_a_body_that_only_another_operation_takes_is_refused(send):
    answer = send("Leads", b"x" * 20 * MB)
    assert (answer.status, json.loads(answer.body)["code"]) == (413, "BODY_SIZE_REACHED")


def test_records_are_written_from_a_body_that_lay_on_the_disk(send, service):
    answer = send("Leads", records(3 * MB))
    assert [outcome["code"] for outcome in json.loads(answer.body)["data"]] == ["SUCCESS"] * 100
    budget = service._crm._of_callers
    wait_until(lambda: budget.held == budget.spool.used == 0)


def test_a_body_for_which_memory_has_no_room_is_put_off(send, service):
    service._crm._of_callers.limit = 2 * MB
    answer = send("Leads", records(3 * MB))
    assert (answer.status, json.loads(answer.body)["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert int(answer.names["retry-after"]) > 0


def test_a_full_disk_is_told_as_that(send, service, monkeypatch):
    monkeypatch.setattr(service._crm._of_callers.spool, "open", lambda: io.FileIO("/dev/full", "r+"))
    answer = send("Leads", records(3 * MB))
    document = json.loads(answer.body)
    assert (answer.status, document["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert document["details"]["reason"] == "full" and "no room left" in document["details"]["message"]
