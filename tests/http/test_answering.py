"""An origin whose requests are answered by one function, with errors in the shape of that origin."""

import json

import pytest

from moorage.crm.wire.refusals import refusal
from moorage.http.answering import Door, answering
from moorage.http.bodies import Allowance, Budget
from moorage.http.message import Response
from tests.http.origin import HOST, LIMIT, Pending, admit
from tests.waiting import wait_until


def door(request):
    """Gives back the body; the paths under /bug fail, at once or later."""
    if request.path == b"/bug/now":
        raise RuntimeError("a bug")
    if request.path == b"/bug/header":
        return Response(200, b"", [(b"x-name", b"a\r\nb")])
    if not request.path.endswith(b"/later"):
        return Response(200, request.body)

    async def later():
        if request.path == b"/bug/later":
            raise RuntimeError("a bug")
        return Response(
            200, request.body, [(b"x-name", b"a\r\nb")] if request.path == b"/header/later" else []
        )

    return later()


@pytest.fixture
def crm(serve):
    """A client of an origin that speaks the CRM's dialect."""
    with serve(protocol=answering(Door(door, admit), render_error=refusal)).connect() as caller:
        yield caller


def fault(answer):
    """The status and the code, of an answer in Zoho's shape."""
    document = json.loads(answer.body)
    assert document.keys() == {"code", "details", "message", "status"} and document["status"] == "error"
    assert answer.names["content-type"] == "application/json;charset=UTF-8"
    assert "moorage-error-source" not in answer.names and len(answer.names["x-request-id"]) == 16
    return answer.status, document["code"]


def post(body, headers=""):
    return f"POST /a HTTP/1.1\r\n{HOST}{headers}Content-Length: {len(body)}\r\n\r\n{body}"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (post("x" * (LIMIT + 1)), 413, "BODY_SIZE_REACHED"),
        (f"GET /{'a' * 20_000} HTTP/1.1\r\n{HOST}\r\n", 414, "INVALID_REQUEST"),
        (f"GET /a HTTP/1.1\r\n{HOST}X: {'a' * 70_000}\r\n\r\n", 431, "INVALID_REQUEST"),
        ("nonsense\r\n\r\n", 400, "INVALID_REQUEST"),
        ("GET /a HTTP/1.1\r\nbad header: b\r\n\r\n", 400, "INVALID_REQUEST"),
        (f"CONNECT a.test:443 HTTP/1.1\r\n{HOST}\r\n", 400, "INVALID_REQUEST_METHOD"),
        (f"GET http://a.test/a HTTP/1.1\r\n{HOST}\r\n", 404, "INVALID_URL_PATTERN"),
        (f"OPTIONS * HTTP/1.1\r\n{HOST}\r\n", 404, "INVALID_URL_PATTERN"),
        *(
            (f"GET {path} HTTP/1.1\r\n{HOST}\r\n", 500, "INTERNAL_ERROR")
            for path in ("/bug/now", "/bug/later", "/bug/header", "/header/later")
        ),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else None,
)
def test_the_http_layer_speaks_the_origins_dialect(crm, sent, status, code):
    crm.send(sent)
    assert fault(crm.answer()) == (status, code)


def test_a_body_at_the_limit_is_taken(crm):
    crm.send(post("x" * LIMIT))
    assert crm.answer().body == b"x" * LIMIT


def test_a_body_a_little_over_the_limit_leaves_the_connection_open(crm):
    crm.send(post("x" * (LIMIT + 1)) + post("next"))
    assert fault(crm.answer()) == (413, "BODY_SIZE_REACHED")
    assert crm.answer().body == b"next"


def test_a_body_far_over_the_limit_is_answered_though_its_sender_goes_on(crm):
    crm.send(f"POST /a HTTP/1.1\r\n{HOST}Content-Length: {50 << 20}\r\n\r\n")
    crm.send(b"x" * 300_000)
    assert fault(crm.answer()) == (413, "BODY_SIZE_REACHED")
    assert crm.everything() == b""


@pytest.mark.parametrize("headers", ["", "Expect: 100-continue\r\n"])
def test_a_body_that_is_said_to_be_over_the_limit_is_refused_before_any_of_it_is_sent(crm, headers):
    crm.send(f"POST /a HTTP/1.1\r\n{HOST}{headers}Content-Length: {50 << 20}\r\n\r\n")
    assert fault(crm.answer()) == (413, "BODY_SIZE_REACHED")
    assert crm.everything() == b""


def test_a_chunked_body_over_the_limit_is_refused(crm):
    crm.send(f"POST /a HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n7d0\r\n{'x' * 2000}\r\n")
    assert fault(crm.answer()) == (413, "BODY_SIZE_REACHED")


def test_a_body_in_chunks_of_two_bytes_is_taken(crm):
    chunks = "2\r\nab\r\n" * (LIMIT // 2)
    crm.send(f"POST /a HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
    assert crm.answer().body == b"ab" * (LIMIT // 2)


FRAMINGS = ["Content-Length: 900", "Content-Length: 999999", "Transfer-Encoding: chunked"]


@pytest.mark.parametrize("framing", FRAMINGS)
def test_who_is_not_admitted_is_told_before_a_body_and_is_not_asked_for_one(serve, framing):
    seen = []

    def nobody(request):
        seen.append(request.body)
        return Response(401, b"no")

    origin = serve(protocol=answering(Door(door, nobody), render_error=refusal))
    with origin.connect() as caller:
        caller.send(f"POST /a HTTP/1.1\r\n{HOST}Expect: 100-continue\r\n{framing}\r\n\r\n")
        answer = caller.answer()
        assert (answer.status, answer.body, answer.names["connection"]) == (401, b"no", "close")
        assert caller.everything() == b"" and seen == [b""]


def test_whoever_sends_no_body_needs_no_leave(serve):
    origin = serve(protocol=answering(Door(door, lambda _: Response(401)), render_error=refusal))
    with origin.connect() as caller:
        for method in ("GET", "POST"):
            caller.send(f"{method} /a HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n")
            assert caller.answer().status == 200


def test_when_too_much_is_being_collected_a_long_body_is_put_off_and_a_short_one_is_taken(serve):
    allowance = Allowance(1 << 20, Budget(100_000))
    origin = serve(protocol=answering(Door(door, lambda _: allowance), render_error=refusal))
    with origin.connect() as first, origin.connect() as second, origin.connect() as third:
        first.send(post("x" * 95_000)[:-1])
        wait_until(lambda: allowance.budget.held > 90_000)
        second.send(post("x" * 50_000))
        answer = second.answer()
        assert fault(answer) == (503, "SERVICE_UNAVAILABLE") and int(answer.names["retry-after"]) > 0
        third.send(post("short"))
        assert third.answer().body == b"short"
        first.send("x")
        assert len(first.answer().body) == 95_000
        wait_until(lambda: allowance.budget.held == 0)
        second.send(post("x" * 50_000))
        assert len(second.answer().body) == 50_000


def test_what_is_not_sent_to_its_end_is_forgotten(serve):
    allowance = Allowance(1 << 20, Budget(1 << 20))
    origin = serve(protocol=answering(Door(door, lambda _: allowance), render_error=refusal))
    with origin.connect() as caller:
        caller.send(post("x" * 95_000)[:-1])
        wait_until(lambda: allowance.budget.held)
    wait_until(lambda: allowance.budget.held == 0)


@pytest.mark.parametrize(("method", "given_up"), [("GET", True), ("HEAD", True), ("POST", False)])
def test_what_is_only_read_is_given_up_when_the_client_goes_away(serve, method, given_up):
    pending = Pending()
    origin = serve(protocol=answering(Door(pending, admit), render_error=refusal))
    with origin.connect() as caller:
        caller.send(f"{method} /a HTTP/1.1\r\n{HOST}\r\n")
        assert pending.begun.wait(5)
    wait_until(lambda: not origin.server.server_state.connections)
    pending.let_go.set()
    assert pending.ended.wait(5)
    assert pending.outcome == ("given up" if given_up else "done")
