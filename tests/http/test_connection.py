"""How long a connection may be idle, what a shutdown waits for, and what is left of a closed connection."""

import asyncio
import contextlib
import json
import threading
import time
from multiprocessing.connection import wait

import pytest

from tests.http.origin import GET, HOST, closes, post
from tests.waiting import wait_until


def test_an_unused_connection_is_closed(serve):
    origin = serve(keep_alive=0.2)
    for said in ("", GET % "/direct/a", GET % "/asgi/a"):
        with origin.connect() as caller:
            caller.send(said)
            if said:
                caller.told()
            assert caller.everything() == b""
    wait_until(lambda: origin.connections == 0)


@pytest.mark.parametrize("start", ["GET /dir", "GET /direct/a HTTP/1.1\r\nX: "])
def test_a_head_that_stops_in_the_middle_is_given_up(serve, start):
    origin = serve(keep_alive=0.2)
    with origin.connect() as caller:
        caller.send(start)
        assert caller.everything() == b""
    wait_until(lambda: origin.connections == 0)


BODIES = {
    "a length": f"POST %s HTTP/1.1\r\n{HOST}Content-Length: 1000\r\n\r\n",
    "a length of HTTP/1.0": "POST %s HTTP/1.0\r\nContent-Length: 1000\r\n\r\n",
    "chunks": f"POST %s HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n3e8\r\n",
    "a chunk's extension": f"POST %s HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n3e8;",
}


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("trickles", [False, True])
def test_a_body_that_stops_or_trickles_is_given_up_with_an_answer(serve, path, kind, trickles):
    origin = serve(keep_alive=0.4)
    with origin.connect() as caller:
        caller.send(BODIES[kind] % path + "a")
        answer = wait_until(lambda: told_of(caller, "a" if trickles else ""))
        assert answer.status == 408 and closes(answer)
        assert json.loads(answer.body)["error"]["code"] == "request_too_slow"
    wait_until(lambda: origin.connections == 0)


def told_of(caller, part):
    """The answer, once there is one; a part of the body is sent until then."""
    with contextlib.suppress(ConnectionError):
        caller.send(part)
    return caller.answer() if wait([caller.socket], 0.03) else None


def is_closed_to(caller, part):
    """Whether a part that the client sends is no longer taken."""
    try:
        caller.send(part)
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("path", ["/direct/early", "/asgi/early"])
def test_a_body_that_trickles_behind_an_answer_holds_no_connection(serve, path):
    origin = serve(keep_alive=0.4)
    with origin.connect() as caller:
        caller.send(BODIES["a length"] % path + "a")
        assert wait_until(lambda: told_of(caller, "a")).status == 200
        wait_until(lambda: is_closed_to(caller, "a"))


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_a_body_that_comes_slowly_takes_as_long_as_it_takes(serve, path):
    origin = serve(keep_alive=0.2)
    with origin.connect() as caller:
        size, step = 40_000, 1000  # Some 50 kB/s, over four times as long as an unused connection is kept.
        caller.send(f"POST {path} HTTP/1.1\r\n{HOST}Content-Length: {size}\r\n\r\n")
        for _ in range(size // step):
            caller.send("a" * step)
            time.sleep(0.02)
        assert len(caller.told()["body"]) == size


def test_nobody_is_blamed_for_a_body_that_was_not_read_meanwhile(serve):
    origin = serve(keep_alive=0.5)
    with origin.connect() as caller:
        caller.send(post("/direct/paused", "a" * 3000)[:-1000])
        time.sleep(1.1)  # As an upstream may let one wait, for longer than an unused connection is kept.
        caller.send("a" * 1000)
        assert len(caller.told()["body"]) == 3000


def test_a_head_that_trickles_is_given_up(serve):
    origin = serve(keep_alive=0.3)
    with origin.connect() as caller:
        caller.send("GET /direct/a HTTP/1.1\r\n")
        wait_until(lambda: is_closed_to(caller, "X: a\r\n"))


@pytest.mark.parametrize("path", ["/direct/later", "/asgi/later"])
def test_an_answer_may_take_longer_than_an_unused_connection_is_kept(serve, path):
    origin = serve(keep_alive=0.1)
    with origin.connect() as caller:
        caller.send(GET % path)
        time.sleep(0.5)
        origin.release()
        assert caller.told()["target"] == path


def test_a_client_that_does_not_read_is_given_up(serve):
    origin = serve(keep_alive=0.3)
    with origin.connect() as caller:
        caller.send((GET % "/direct/large/16") + GET % "/direct/b")
        wait_until(lambda: origin.seen)
        wait_until(lambda: origin.connections == 0)
        assert origin.seen == [b"/direct/large/16"]


def test_a_client_that_reads_slowly_gets_everything(serve):
    origin = serve(keep_alive=1.0)
    with origin.connect() as caller:
        caller.send(GET % "/direct/large/8" + GET % "/direct/b")
        taken = 0
        while taken < 7 << 20:  # Takes longer than an unused connection is kept.
            taken += len(caller.socket.recv(64 * 1024))
            time.sleep(0.02)
        rest = b""
        while b'"target": "/direct/b"' not in rest:
            rest += caller.socket.recv(1 << 20)
        assert taken + len(rest) > 8 << 20


@pytest.mark.parametrize("path", ["/direct/later", "/asgi/later"])
def test_a_shutdown_waits_for_what_is_under_way(serve, path):
    origin = serve()
    idle, busy = origin.connect(), origin.connect()
    with idle, busy:
        idle.ask(GET % "/direct/a")
        busy.send(GET % path + GET % "/direct/after")
        time.sleep(0.05)
        origin.server.should_exit = True
        assert idle.everything() == b""
        origin.release()
        assert busy.told()["target"] == path
        assert busy.everything() == b""
    origin.thread.join(5)
    assert b"/direct/after" not in origin.seen and not origin.thread.is_alive()


def test_a_shutdown_answers_the_requests_that_the_kernel_has_accepted(serve):
    origin, is_still, may_go_on = serve(), threading.Event(), threading.Event()

    async def stop():
        is_still.set()
        may_go_on.wait(10)  # The loop stands still, so it accepts no connection.
        await origin.server.shutdown(sockets=[origin.listener])
        origin.server.should_exit = True

    stopping = asyncio.run_coroutine_threadsafe(stop(), origin.loop)
    assert is_still.wait(10)
    with origin.connect() as caller, origin.connect() as idle:
        caller.send(GET % "/direct/a")
        may_go_on.set()
        assert caller.answer().status == 200
        assert idle.everything() == b""
    stopping.result(10)


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_a_shutdown_waits_a_moment_for_the_request_of_a_new_connection(serve, path):
    origin = serve()
    with origin.connect() as caller:
        wait_until(lambda: origin.connections == 1)
        origin.server.should_exit = True
        wait_until(lambda: origin.listener.fileno() == -1)
        caller.send(GET % path)
        assert closes(caller.answer())


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_a_connection_ends_with_its_next_answer_if_the_server_will_stop(serve, path):
    origin = serve()
    with origin.connect() as caller:
        caller.send(GET % path)
        assert not closes(caller.answer())
        origin.crowd.is_ending = True
        caller.send(GET % path)
        assert closes(caller.answer())
        assert caller.everything() == b""


@pytest.mark.parametrize("path", ["/direct/large/16", "/asgi/part"])
def test_an_answer_that_a_shutdown_cuts_is_seen_to_be_cut(serve, path):
    origin = serve(drain=0.3)
    with origin.connect() as caller:
        caller.send(f"GET {path} HTTP/1.0\r\n\r\n")
        assert caller.socket.recv(1) == b"H"
        origin.server.should_exit = True
        time.sleep(1)
        with pytest.raises(ConnectionResetError):
            caller.take(1 << 30)
    origin.thread.join(5)


def test_nothing_is_left_of_connections_that_ended(serve):
    origin = serve()
    for said in (
        GET % "/direct/a",
        GET % "/direct/later",
        GET % "/asgi/later",
        "GET /dir",
        "nonsense\r\n\r\n",
    ):
        with origin.connect() as caller:
            caller.send(said)
    time.sleep(0.1)
    origin.release()
    state = origin.server.server_state
    wait_until(lambda: not state.connections and not state.tasks)


def test_a_client_that_goes_away_is_noticed(serve):
    origin = serve()
    with origin.connect() as caller:
        caller.send(GET % "/direct/later")
        time.sleep(0.05)
    assert origin.gone.wait(2)
