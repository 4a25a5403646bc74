"""The calls of pages: with the rights of the person's role, in their name, and writing only where a page says so."""

import asyncio

import pytest

from moorage.console.calls import Answer, Calls, Refused, refusal
from moorage.console.visit import Visit
from moorage.http.inside import InsideAnswer
from moorage.people.model import new_person
from moorage.people.rights import SCOPES


class Inside:
    """Stands for the process's own calls, and keeps what was asked."""

    def __init__(self, status=200, body=b"{}"):
        self.answer = InsideAnswer(status, [(b"content-type", b"application/json")], body)
        self.callers = []
        self.asked = []

    def authorization(self, principal):
        self.callers.append(principal)
        return "Bearer inside"

    async def call(self, method, target, headers, body, *, client, most):
        self.asked.append((method, target, dict(headers), body))
        return self.answer


def visit(role, inside):
    calls = Calls(inside, inside.authorization, ("192.0.2.1", 1), "198.51.100.7")
    return Visit(None, new_person("account", "Ada", "ada@example.com", role), calls, "http://gateway.test")


def test_a_page_that_only_reads_can_change_nothing():
    inside = Inside()
    owner = visit("owner", inside)
    asyncio.run(owner.app("acme", "GET", "/crm/v8/Leads"))
    asyncio.run(owner.app("acme", "PUT", "/crm/v8/Leads", body={"data": []}, writes=True))
    assert [caller.reads_only for caller in inside.callers] == [True, False]


@pytest.mark.parametrize("role", ["approver", "support"])
def test_who_may_not_write_does_not_write_by_a_page_either(role):
    inside = Inside()
    asyncio.run(visit(role, inside).app("acme", "PUT", "/crm/v8/Leads", writes=True))
    [caller] = inside.callers
    assert caller.reads_only
    assert (caller.kind, caller.name) == ("person", "Ada")


def test_a_call_names_its_connection_its_caller_and_the_browser():
    inside = Inside()
    asyncio.run(visit("owner", inside).app("näme/..", "POST", "/crm/v8/Leads", {"a": "ü&"}, {"data": [1]}))
    [(method, target, headers, body)] = inside.asked
    assert (method, target, body) == ("POST", "/zoho-crm/crm/v8/Leads?a=%C3%BC%26", b'{"data":[1]}')
    assert headers[b"Maton-Connection"] == b"n%C3%A4me%2F.."
    assert headers[b"X-Forwarded-For"] == b"198.51.100.7"
    assert headers[b"Content-Type"] == b"application/json"


def test_a_refusal_says_what_the_answer_said():
    inside = Inside(
        404, b'{"message": "no", "error": {"code": "key_unknown", "message": "No key."}, "detail": "Look."}'
    )
    with pytest.raises(Refused) as caught:
        asyncio.run(visit("owner", inside).control("GET", "/keys/1"))
    refused = caught.value
    assert (refused.status, refused.code, refused.message, refused.help) == (
        404,
        "key_unknown",
        "No key.",
        "Look.",
    )
    assert asyncio.run(visit("owner", inside).control("GET", "/keys/1", keeps_errors=True)).status == 404


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"[" * 5000])
def test_an_answer_that_is_no_json_is_refused_in_words(body):
    refused = refusal(Answer(502, {}, body))
    assert (refused.message, refused.code) == ("The app answered 502.", "app_error")


def test_support_may_call_no_app_and_no_role_has_more_than_an_owner():
    assert not SCOPES["support"].grants
    assert all(scopes.beyond(SCOPES["owner"]) is None for scopes in SCOPES.values())
