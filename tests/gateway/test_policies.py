"""What the policy of a key lets through the gateway, what it refuses, and what waits for a person."""

import json

import pytest

from moorage.approvals.model import HeldAnswer
from moorage.clock import SystemClock
from moorage.errors import MoorageError
from moorage.http.bodies import Allowance, Budget
from moorage.http.message import Response
from moorage.logs import REQUEST_ID
from moorage.policies.model import Budget as Count
from moorage.policies.model import Policy, Rule
from tests.gateway.guards import Guards
from tests.gateway.wire import AUTHORIZED, OK, World

COMPOSITE = "/zoho-crm/crm/v8/__composite_requests"
LEAD = "/zoho-crm/crm/v8/Leads/1"
REFUSAL = b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


class Holder:
    """A person's decision in a test: None lets the call go on, a response answers it, an error refuses it."""

    max_body = 2 * 1024 * 1024

    def __init__(self, decided):
        self.decided, self.calls, self.logged = decided, [], []

    async def hold(self, call):
        self.calls.append(call)
        self.logged.append(REQUEST_ID.get())
        if isinstance(self.decided, MoorageError):
            raise self.decided
        return self.decided


def waiting(body=b"", headers=()):
    return HeldAnswer(Response(202, body, [*headers]), waits=True)


def world(holder=None, **policy):
    return World(guards=Guards(Policy(**policy)), holder=holder)


def calls(*parts):
    return json.dumps(
        {"__composite_requests": [{"method": method, "uri": uri} for method, uri in parts]}
    ).encode()


READS = calls(("GET", "/crm/v8/Leads"))
DELETES = calls(("GET", "/crm/v8/Leads"), ("DELETE", "/crm/v8/Leads/1"))


def error_of(answer):
    return answer.status, json.loads(answer.body)["error"]["code"]


def test_what_the_mode_forbids_is_refused_and_nothing_is_sent(relayed):
    client = relayed(world=world(mode="readonly"))
    answer = client.get(LEAD, method="DELETE")
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"], error["rule"]) == (403, "policy_denied", None)
    assert "readonly" in error["reason"] and answer.names["moorage-request-sent"] == "false"
    assert answer.names["moorage-connection"] == "remote"
    assert error_of(client.post("/zoho-crm/crm/v8/Leads", b"{}")) == (403, "policy_denied")
    assert client.upstream.requests == []
    assert client.get("/zoho-crm/crm/v8/Leads").status == 200


def test_a_rule_is_named(relayed):
    rule = Rule("no deals", "deny", modules=("Deals",))
    client = relayed(world=world(rules=(rule,)))
    error = json.loads(client.get("/zoho-crm/crm/v8/deals").body)["error"]
    assert (error["code"], error["rule"]) == ("policy_denied", "no deals")
    assert client.get("/zoho-crm/crm/v8/Leads").status == 200


@pytest.mark.parametrize("mode", ["cautious", "strict", "readonly"])
def test_a_composite_request_is_looked_at_before_any_of_it_is_sent(relayed, mode):
    client = relayed(world=world(mode=mode))
    assert client.post(COMPOSITE, READS).status == 200
    assert client.upstream.requests[0].endswith(READS)
    assert client.post(COMPOSITE, DELETES).status == 403
    assert len(client.upstream.requests) == 1


def test_a_body_that_comes_in_pieces_is_collected_first(relayed):
    client = relayed(world=world(mode="cautious"))
    head = f"POST {COMPOSITE} HTTP/1.1\r\nAuthorization: Bearer a key of sixteen characters\r\nHost: gateway.test\r\n"
    for body, status in ((READS, 200), (DELETES, 403)):
        client.send(f"{head}Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
        assert client.answer().status == 100
        for at in range(0, len(body), 40):
            part = body[at : at + 40]
            client.send(b"%x\r\n%b\r\n" % (len(part), part))
        client.send(b"0\r\n\r\n")
        assert client.answer().status == status
    assert len(client.upstream.requests) == 1


def test_a_body_that_is_too_long_to_be_looked_at_counts_as_the_worst(relayed):
    client = relayed(world=world(mode="cautious"))
    long = READS[:-1] + b" " * (1 << 20) + READS[-1:]
    refused = client.post(COMPOSITE, long)
    assert error_of(refused) == (403, "approval_required")
    assert client.upstream.requests == []


def test_a_body_that_is_too_long_to_wait_is_refused_as_that_and_nobody_is_asked(relayed):
    client = relayed(world=world(holder := Holder(None), mode="strict"))
    refused = client.post(LEAD, b"a" * (holder.max_body + 1))
    assert error_of(refused) == (413, "approval_too_large")
    assert (holder.calls, client.upstream.requests) == ([], [])


def test_a_body_that_is_too_long_to_wait_is_looked_at_all_the_same(relayed):
    holder = Holder(None)
    holder.max_body = 1024
    client = relayed(world=world(holder, mode="cautious"))
    long = READS[:-1] + b" " * 500_000 + READS[-1:]
    client.send(
        f"POST {COMPOSITE} HTTP/1.1\r\n{AUTHORIZED}Content-Length: {len(long)}\r\nExpect: 100-continue\r\n\r\n"
    )
    assert client.answer().status == 100
    for at in range(0, len(long), 5000):
        client.send(long[at : at + 5000])
    assert client.answer().status == 200
    assert holder.calls == []


def test_a_long_body_whose_records_do_not_matter_streams(relayed):
    client = relayed(world=world(mode="cautious"))
    assert client.post(f"{LEAD}/Attachments", b"--x\r\n" + b"a" * (2 << 20)).status == 200


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/zoho-crm/crm/v8/Leads", "X-HTTP-Method-Override: DELETE\r\n", b"{}"),
        ("/zoho-crm/crm/v8/Leads?_method=DELETE", "", b"{}"),
        ("/zoho-crm/unheard/of", FORM, b"a=b&_method=DELETE"),
        ("/zoho-crm/unheard/of", "", b'{"_method": "DELETE"}'),
        ("/zoho-crm/crm/v8/Leads/actions%2Fmass_delete", "", b"{}"),
    ],
)
def test_no_trick_makes_a_deletion_a_write(relayed, path, headers, body):
    client = relayed(world=world(mode="cautious"))
    assert error_of(client.post(path, body, headers)) == (403, "approval_required")
    assert client.post("/zoho-crm/unheard/of", b'{"a": 1}').status == 200
    assert len(client.upstream.requests) == 1


def test_a_person_who_allows_a_call_lets_exactly_it_go_on(relayed):
    holder = Holder(None)
    client = relayed(world=world(holder, mode="cautious"))
    assert client.post(COMPOSITE, DELETES, "Prefer: respond-async\r\n").status == 200
    [sent] = client.upstream.requests
    assert sent.endswith(DELETES)
    [call] = holder.calls
    assert (call.method, call.native, call.body) == ("POST", COMPOSITE.encode()[9:], DELETES)
    assert (b"Prefer", b"respond-async") in call.headers
    assert not any(name.lower() == b"authorization" for name, _ in call.headers)
    assert (call.operation.kind, call.verdict.action) == ("destructive", "ask")


def test_a_call_that_waits_is_answered_by_who_holds_it(relayed):
    holder = Holder(waiting(b"{}", [(b"location", b"/approvals/7")]))
    client = relayed(world=world(holder, mode="strict"))
    answer = client.post(LEAD, b"{}", method="PUT")
    assert (answer.status, answer.names["location"]) == (202, "/approvals/7")
    assert answer.names["moorage-connection"] == "remote" and answer.names["x-request-id"]
    assert client.get(LEAD, method="DELETE").status == 202 and client.upstream.requests == []


def test_what_is_logged_of_a_call_that_waits_has_its_request_id(relayed):
    client = relayed(world=world(holder := Holder(waiting()), mode="strict"))
    ids = [client.post(LEAD, b"{}", method="PUT").names["x-request-id"] for _ in range(2)]
    assert holder.logged == ids


def test_who_holds_a_call_may_refuse_it_or_fail(relayed):
    holder = Holder(MoorageError("no"))
    client = relayed(world=world(holder, mode="strict"))
    assert client.get(LEAD, method="DELETE").status == 500
    assert client.upstream.requests == []


def test_the_embedded_crm_gets_a_call_that_a_person_allows(embedded):
    holder = Holder(None)
    client = embedded(world(holder, mode="strict"))
    answer = client.post("/zoho-crm/crm/v8/Leads", b'{"data": [{}]}')
    assert answer.status == 200 and answer.body.endswith(b"14")
    assert client.get("/zoho-crm/crm/v8/Leads").status == 200
    assert client.post("/zoho-crm/crm/v8/coql/later", b"x" * 5000).body.endswith(b"5000")


@pytest.mark.parametrize("admits_later", [False, True])
def test_a_long_body_for_the_embedded_crm_counts_as_the_most_and_goes_on(embedded, admits_later):
    async def later(request):
        return Allowance(1 << 24, Budget(1 << 28))

    long = b'{"data": [' + b" " * (3 << 20) + b"]}"
    room = world(budgets=(Count("records", 150, 3600),))
    room.admit = later if admits_later else None
    client = embedded(room)
    assert client.post("/zoho-crm/crm/v8/Leads", long).body.endswith(str(len(long)).encode())
    assert client.post("/zoho-crm/crm/v8/Leads", long).status == 429


def test_a_budget_of_calls_is_used_up(relayed):
    client = relayed(world=world(budgets=(Count("calls", 2, 3600),)))
    assert [client.get("/zoho-crm/a").status for _ in range(3)] == [200, 200, 429]
    refused = client.get("/zoho-crm/b")
    assert error_of(refused) == (429, "budget_exhausted") and 0 < int(refused.names["retry-after"]) <= 3600
    assert len(client.upstream.requests) == 2


def test_calls_with_a_body_that_nobody_has_to_look_at_count_as_well(embedded):
    client = embedded(world(budgets=(Count("calls", 3, 3600),)))
    answers = [client.post("/zoho-crm/crm/v8/Leads", b'{"data": [{}]}') for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[2].body.endswith(b"14") and error_of(answers[3]) == (429, "budget_exhausted")


def test_a_budget_of_records_counts_what_a_call_changes(relayed):
    client = relayed(world=world(budgets=(Count("records", 5, 3600),)))
    two = b'{"data": [{}, {}]}'
    statuses = [client.post("/zoho-crm/crm/v8/Leads", two).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert client.get("/zoho-crm/crm/v8/Leads").status == 200, "reading changes none"
    assert client.get(LEAD, method="DELETE").status == 200
    assert client.get(LEAD, method="DELETE").status == 429
    huge = client.get("/zoho-crm/crm/v8/Leads?ids=1,2,3,4,5,6", method="DELETE")
    assert "6" in json.loads(huge.body)["message"]


def test_a_call_that_is_sent_again_with_another_token_counts_once(relayed):
    budgets = (Count("calls", 2, 3600),)
    client = relayed(REFUSAL, OK, OK, world=world(budgets=budgets, mode="cautious"))
    assert client.post("/zoho-crm/crm/v8/Leads", b"{}").status == 200
    assert len(client.upstream.requests) == 2
    assert client.get("/zoho-crm/crm/v8/Leads").status == 200


def test_a_connection_has_to_be_named_if_the_policy_says_so(relayed):
    client = relayed(world=world(needs_name=True))
    refused = client.get("/zoho-crm/a")
    assert error_of(refused) == (409, "connection_name_required")
    assert "There are: remote" in json.loads(refused.body)["detail"]
    assert client.get("/zoho-crm/a", "Maton-Connection: remote\r\n").status == 200


def test_the_clock_of_a_budget_goes_on(relayed):
    class Clock(SystemClock):
        ahead = 0.0

        def timestamp(self):
            return super().timestamp() + self.ahead

    clock = Clock()
    guards = Guards(Policy(budgets=(Count("calls", 1, 60),)), clock)
    client = relayed(world=World(guards=guards))
    assert [client.get("/zoho-crm/a").status for _ in range(2)] == [200, 429]
    clock.ahead = 60
    assert client.get("/zoho-crm/a").status == 200
