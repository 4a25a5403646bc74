"""What a caller is answered whose call has to wait, and what a person is asked then."""

import asyncio
import dataclasses
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from moorage.approvals.errors import (
    AnswerGone,
    ApprovalDecided,
    ApprovalDeclined,
    ApprovalRequired,
    ApprovalUnderWay,
    HourImpossible,
)
from moorage.approvals.holder import Holder
from moorage.approvals.model import Answer, Approval, approval_document
from moorage.approvals.service import Decision, Limits
from moorage.connections.model import Connection, Upstream
from moorage.keys.model import Principal
from moorage.policies import Classifier, Verdict
from tests.approvals.conftest import CALL, asked

CONNECTION = Connection(
    "c1", "team", "zoho-crm", "OAUTH2", "ACTIVE", 0, 0, 1, {"organisation": "Acme"}, Upstream("remote")
)

BODY = b'{"data":[{}]}'


@dataclass
class Asked:
    """As `gateway.holding.AskedCall`."""

    method: str
    native: bytes
    body: bytes = b""
    headers: list = field(default_factory=list)
    app: str = "zoho-crm"
    is_looked_at: bool = False
    principal = Principal("agent", "team", name="an agent")
    verdict = Verdict("ask", "Because.", "careful")

    @property
    def connection(self):
        return replace(CONNECTION, app=self.app)

    @property
    def operation(self):
        path, _, query = self.native.partition(b"?")
        return Classifier({}).classify(
            self.app, self.method, path, query, self.body if self.is_looked_at else None
        )


class Approvals:
    """Plays the service. `met` is what becomes of every call."""

    limits = Limits()

    def __init__(self, met=None, state="waiting"):
        self.state, self.met, self.asked = state, met, []

    async def meet(self, asked, call, idempotency):
        self.asked.append((asked, call, idempotency))
        return self.met or Approval("a1", asked, "PUT", "/", 0, b"d", self.state, 0, 900_000_000, note="So.")

    def now(self):
        return 1

    def link(self, approval_id):
        return f"https://gateway.test/base/approvals/{approval_id}"


def hold(call, approvals=None):
    approvals = approvals or Approvals()
    holder = Holder(approvals, "https://gateway.test/base", lambda _app, _upstream: "live")
    return asyncio.run(holder.hold(call)), approvals.asked[0]


def question(*call, **options):
    with pytest.raises(ApprovalRequired) as caught:
        hold(Asked(*call, **options), approvals := Approvals())
    return caught.value, approvals.asked[0]


def module_shown(asked):
    return approval_document(Approval("a1", asked, "PUT", "/", 0, b"d", "waiting", 0, 1), 0, "")["operation"][
        "module"
    ]


def test_an_ordinary_caller_gets_an_error_with_what_it_needs():
    error, (asked, call, name) = question("PUT", b"/crm/v8/Leads/1?a=b", BODY, [(b"Idempotency-Key", b"k")])
    assert error.more == {
        "id": "a1",
        "link": "https://gateway.test/base/approvals/a1",
        "expires_at": "1970-01-01T00:15:00.000000Z",
    }
    assert "update 1 record in Leads. Because." in error.message
    assert (asked.key_name, asked.connection_name, asked.environment) == ("an agent", "Acme", "live")
    assert (asked.rule, asked.module, call.body, name) == ("careful", "Leads", BODY, b"k")


@pytest.mark.parametrize("value", [b"respond-async", b"wait=5, Respond-Async;x=1"])
def test_who_prefers_it_gets_202(value):
    held, _ = hold(Asked("PUT", b"/crm/v8/Leads/1", headers=[(b"PREFER", value)]))
    headers = dict(held.response.headers)
    assert (held.response.status, held.waits) == (202, True)
    assert headers[b"location"] == b"/base/approvals/a1"
    assert headers[b"preference-applied"] == b"respond-async"
    question("PUT", b"/crm/v8/Leads/1", headers=[(b"Prefer", b"respond-asynchronously")])


def test_a_repeat_gets_what_became_of_the_call():
    held, _ = hold(Asked("PUT", b"/x"), Approvals(Answer(404, [(b"a", b"b")], b"{}")))
    answer = held.response
    assert not held.waits
    assert (answer.status, answer.headers) == (404, [(b"a", b"b"), (b"moorage-error-source", b"upstream")])
    for state, error in (("declined", ApprovalDeclined), ("unknown", AnswerGone)):
        with pytest.raises(error, match=f"{state}. So."):
            hold(Asked("PUT", b"/x"), Approvals(state=state))


@pytest.mark.parametrize("state", ["approved", "sending"])
def test_a_repeat_of_a_call_that_is_being_sent_is_not_told_to_ask_a_person(state):
    with pytest.raises(
        ApprovalUnderWay, match="has approved this call, and the server is sending it"
    ) as caught:
        hold(Asked("PUT", b"/x"), Approvals(state=state))
    assert caught.value.code == "approval_required"
    assert caught.value.more["id"] == "a1"
    assert "Nothing was sent" not in caught.value.help


@pytest.mark.parametrize(
    ("state", "told"), [("sending", "GET /approvals/a1"), ("declined", "make its call again")]
)
def test_nobody_is_told_to_repeat_what_may_have_been_sent(state, told):
    assert told in ApprovalDecided("a1", state).help


def test_the_records_of_a_body_are_counted():
    for body, words in (
        (b'{"data":[{},{}]}', "update 2 records"),
        (b"[1]", "update records"),
        (b"\xff", "update records"),
        (b'{"data":[{},{}],"data":[{}]}', "update records"),
    ):
        assert question("PUT", b"/crm/v8/Leads", body)[1][0].words == f"{words} in Leads"


@pytest.mark.parametrize(
    ("body", "is_of_a_kind"),
    [
        (b'{"data":[%b{}]}' % (b"{}," * 99), True),
        (b'{"data":[%b{}]}' % (b"{}," * 100), False),
        (b'{"data":[{}],"data":[%b{}]}' % (b"{}," * 100), False),
        (b'{"cvid":"1"}', False),
        (b"name=Acme", True),
    ],
)
def test_more_than_a_hundred_records_are_approved_by_themselves(body, is_of_a_kind):
    for call in (("PUT", b"/crm/v8/Leads", body), ("PATCH", b"/v1/contacts", body, [], "hubspot")):
        assert question(*call)[1][0].is_of_a_kind == is_of_a_kind


def test_what_may_be_anything_is_not_of_a_kind(scene):
    parts = b'{"__composite_requests":[{"method":"DELETE","uri":"/crm/v8/Leads/1"}]}'
    composite = question("POST", b"/crm/v8/__composite_requests", parts, is_looked_at=True)[1][0]
    unknown = question("PATCH", b"/v1/contacts/7?a=b", app="hubspot")[1][0]
    named = question("DELETE", b"/crm/v8/Leads/1")[1][0]
    job = question("POST", b"/crm/v8/Leads/actions/mass_delete", b'{"ids":["1"]}')[1][0]
    assert [each.is_of_a_kind for each in (composite, unknown, named, job)] == [False, True, True, False]
    assert (unknown.operation, unknown.module) == ("PATCH", "/v1/contacts/7")
    assert [module_shown(each) for each in (composite, unknown, named)] == [None, "/v1/contacts/7", "Leads"]
    assert (
        question("POST", b"/crm/v8/Leads?_method=DELETE")[1][0].words
        == "POST /crm/v8/Leads, which may do anything"
    )

    async def act(place):
        hour = Decision("Ada", approves=True, an_hour=True)
        held = await place.hold(module="*")
        with pytest.raises(HourImpossible):
            await place.approvals.decide("team", held.id, hour)
        await place.decided(hour, key_id="b")
        async with place.database.transaction() as tx:
            await tx.connection.exec_driver_sql("UPDATE approval_grants SET module = '*'")
        changed = dataclasses.replace(CALL, body=b"other")
        return await place.state(held), type(
            await place.approvals.meet(asked(module="*", key_id="b"), changed)
        )

    assert scene(act) == ("waiting", Approval)
