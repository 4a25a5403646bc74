"""If descriptors run short, the connections that were idle longest are closed, and the log says so."""

import contextlib
import time

import pytest

from moorage.http.crowd import Crowd
from tests.http.origin import HOST
from tests.log_lines import capture_logs
from tests.waiting import wait_until

GET = f"GET %s HTTP/1.1\r\n{HOST}\r\n"


class Counting(Crowd):
    entered = 0

    def enter(self, guest):
        super().enter(guest)
        self.entered += 1


@pytest.fixture
def origin(serve):
    """One that holds four connections."""
    return serve(crowd=Counting(4))


def is_open(caller):
    with contextlib.suppress(ConnectionError):
        caller.socket.settimeout(0.05)
        try:
            return caller.socket.recv(1, 2) != b""  # Looked at, not taken.
        except TimeoutError:
            return True
    return False


def connected(origin, stack, said=""):
    """A connection that the server has taken."""
    entered = origin.crowd.entered
    caller = stack.enter_context(origin.connect())
    wait_until(lambda: origin.crowd.entered > entered)
    caller.send(said)
    if said:
        time.sleep(0.05)
    return caller


def test_the_longest_idle_goes_and_who_never_asked_goes_first(origin):
    with contextlib.ExitStack() as stack:
        served = connected(origin, stack)
        served.ask(GET % "/direct/a")
        strangers = [connected(origin, stack, said) for said in ("", "GET /half", "")]
        newcomer = connected(origin, stack)
        assert newcomer.ask(GET % "/direct/b")["target"] == "/direct/b"
        wait_until(lambda: not is_open(strangers[0]))
        assert [is_open(connection) for connection in (served, *strangers[1:], newcomer)] == [True] * 4
        assert served.ask(GET % "/asgi/c")["target"] == "/asgi/c"


def test_whoever_waits_for_an_answer_stays_and_the_newest_goes_where_all_do(origin):
    with contextlib.ExitStack() as stack:
        busy = [connected(origin, stack, GET % path) for path in ("/direct/later", "/asgi/later") * 2]
        newcomer = connected(origin, stack)
        assert newcomer.everything() == b""
        origin.release()
        for caller in busy:
            assert caller.told()["target"].endswith("later")


class Busy:
    """A guest that is at work, but for its first moment."""

    looks = 0

    def __init__(self):
        self.is_new, self.left = True, False

    def idle_since(self):
        Busy.looks += 1
        return (False, 0.0) if self.is_new else None

    def leave(self):
        self.left = True


def test_where_all_are_at_work_newcomers_cost_no_look_at_all_of_them_each(monkeypatch):
    monkeypatch.setattr(Busy, "looks", 0)
    now = [0.0]
    monkeypatch.setattr("moorage.http.crowd.time.monotonic", lambda: now[0])
    crowd = Crowd(1000)
    for _ in range(1000):
        busy = Busy()
        crowd.enter(busy)
        busy.is_new = False
    newcomers = [Busy() for _ in range(500)]
    for newcomer in newcomers:
        crowd.enter(newcomer)
    assert all(newcomer.left for newcomer in newcomers) and len(crowd) == 1000
    assert Busy.looks < 1500
    now[0] = 1.0
    crowd.enter(Busy())
    assert Busy.looks > 2000


def test_it_is_told_once_in_a_while(serve):
    with capture_logs() as lines, contextlib.ExitStack() as stack:
        origin = serve(crowd=Counting(2))
        for _ in range(8):
            connected(origin, stack)
        wait_until(lambda: len(origin.crowd) == 2)
    (line,) = [line for line in lines if line["event"] == "connections.crowded"]
    assert (line["log_level"], line["limit"]) == ("warning", 2)


def test_who_leaves_counts_no_more(origin):
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            callers = [connected(origin, stack) for _ in range(4)]
            assert all(caller.ask(GET % "/direct/a") for caller in callers)
        wait_until(lambda: len(origin.crowd) == 0)
