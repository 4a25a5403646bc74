"""Calls that a server makes to itself, over a connection without a socket."""

import asyncio
import json

import pytest

from moorage.http.inside import InsideBroken, InsideCalls
from tests.waiting import wait_until

CLIENT = ("192.0.2.7", 4711)


@pytest.fixture
def inside(serve):
    """Makes calls to an origin within its own loop; `inside.origin` is the origin."""
    origin = serve()
    calls = InsideCalls()
    calls.open(origin.server.new_protocol)

    class Inside:
        def __init__(self):
            self.origin = origin

        def start(self, method, target, headers=(), body=b"", most=10_000):
            made = calls.call(method, target, list(headers), body, client=CLIENT, most=most)
            return asyncio.run_coroutine_threadsafe(made, origin.loop)

        def call(self, *arguments, **options):
            return self.start(*arguments, **options).result(10)

    return Inside()


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_both_sides_of_an_origin_answer(inside, path):
    answer = inside.call("POST", path, [(b"X-Asked", b"yes")], b"body")
    told = json.loads(answer.body)
    assert (answer.status, answer.is_whole) == (200, True)
    assert (told["method"], told["target"], told["body"]) == ("POST", path, "body")
    assert ["x-asked", "yes"] in [[name.lower(), value] for name, value in told["headers"]]
    assert "server" not in dict(answer.headers)


def test_an_answer_that_is_longer_than_wanted_is_not_kept(inside):
    answer = inside.call("GET", "/direct/large/2", most=1000)
    assert (answer.status, answer.body, answer.is_whole) == (200, b"", False)
    assert inside.call("GET", "/direct/a").status == 200


def test_a_caller_that_goes_is_noticed_by_what_answers(inside):
    made = inside.start("GET", "/direct/later")
    wait_until(lambda: b"/direct/later" in inside.origin.seen)
    made.cancel()
    assert inside.origin.gone.wait(10)


def test_an_answer_that_breaks_off_is_an_error(inside):
    made = inside.start("GET", "/asgi/part")
    inside.origin.stop()
    with pytest.raises(InsideBroken):
        made.result(20)


def test_no_connection_is_left_open(inside):
    for _ in range(3):
        inside.call("GET", "/direct/a")
    wait_until(lambda: len(inside.origin.crowd) == 0)
