"""Whatever bytes arrive, in whatever pieces: no failure of ours, and the next connection works as ever."""

import contextlib
import itertools
import json
import re
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.crm.wire.refusals import refusal
from moorage.http.answering import Door, answering
from moorage.http.message import Response
from tests.http.origin import HOST, Origin, admit

PIECES = [
    b"GET /direct/a HTTP/1.1\r\n", b"POST /asgi/a HTTP/1.1\r\n", b"POST /direct/early HTTP/1.1\r\n",
    b"HEAD /asgi/early HTTP/1.1\r\n", b"PUT /direct/a HTTP/1.0\r\n", b"OPTIONS * HTTP/1.1\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n",
    b"GET //x/%zz?a#b HTTP/1.1\r\n", b"Host: a\r\n", b"Connection: close\r\n", b"Connection: Upgrade\r\n",
    b"Upgrade: h2c\r\n", b"Expect: 100-continue\r\n", b"Content-Length: 3\r\n", b"Content-Length: 70000\r\n",
    b"Transfer-Encoding: chunked\r\n", b"X: " + b"a" * 3000 + b"\r\n", b"\r\n", b"\r\n\r\n", b"abc",
    b"3\r\nabc\r\n", b"0\r\n\r\n", b'1;x="y"\r\na\r\n', b"\0", b"\n", b" ", b"\x16\x03\x01", b"\xff\xfe",
]  # fmt: skip
requests = st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=14).map(b"".join)


def door(request):
    """Tells the path it got; answers some requests later."""
    response = Response(200, json.dumps({"target": request.path.decode("latin-1")}).encode())
    if not request.path.startswith(b"/asgi"):
        return response

    async def later():
        return response

    return later()


@pytest.fixture(scope="module", params=["claims", "answers"])
def origin(request):
    """Two origins: one claims some requests and leaves the others to ASGI; the other answers all requests itself."""
    protocol = answering(Door(door, admit), render_error=refusal) if request.param == "answers" else None
    origin = Origin(keep_alive=3, protocol=protocol)
    yield origin
    origin.stop()


@given(data=requests, cuts=st.lists(st.integers(0, 400), max_size=4))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_make_it_fail(origin, data, cuts):
    with origin.connect() as caller, contextlib.suppress(ConnectionError):
        places = [0, *sorted(cuts), len(data)]
        for start, end in itertools.pairwise(places):
            caller.send(data[start:end])
        caller.socket.shutdown(socket.SHUT_WR)
        answers = caller.everything()
        assert not re.search(rb"HTTP/1\.1 5\d\d", answers), answers
    with origin.connect() as caller:
        for path in ("/direct/next", "/asgi/next"):
            assert caller.ask(f"GET {path} HTTP/1.1\r\n{HOST}\r\n")["target"] == path
