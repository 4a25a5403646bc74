"""Bodies of any size pass through a server that holds only a little of each."""

import contextlib
import http.client
import socket
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.flows.conftest import finish, start

MB = 1 << 20
SIZE = 300 * MB
MOST = 20 * MB  # How much more than before a transfer the server may hold during it.

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path("/proc/self/clear_refs").exists(), reason="only Linux tells a process's peak"
    ),
]


class Bulk:
    """An upstream that sends SIZE bytes for a GET, and counts the bytes of other requests."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as requests, contextlib.suppress(OSError):
            while first := requests.readline():
                length = 0
                while (line := requests.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                counted = 0
                while counted < length:
                    counted += len(requests.read(min(MB, length - counted)))
                body = SIZE if first.startswith(b"GET") else 0
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {body}\r\nX-Counted: {counted}\r\n\r\n"
                connection.sendall(head.encode())
                for _ in range(body // MB):
                    connection.sendall(bytes(MB))


@pytest.fixture
def upstream():
    bulk = Bulk()
    yield bulk
    bulk.stop()


@pytest.fixture
def caller(home, connect, inside):
    """A connection to a server whose second app is the upstream, and that server's process."""

    async def key(rooms):
        return (await rooms.keys.create(await rooms.keys.first_account(), "streams"))[1]

    server = start(home, popen=subprocess.Popen)  # One whose memory is all its own.
    connect()
    connection = http.client.HTTPConnection(urlsplit(server.gateway).netloc, timeout=60)
    connection.headers = {"Authorization": f"Bearer {inside(key)}"}
    connection.request("POST", "/example/warm", b"x", connection.headers)
    assert connection.getresponse().read() == b""
    yield connection, server.process.pid
    connection.close()
    finish(server)


def memory(pid, name):
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(name)]
    return int(line.split()[1]) * 1024


@contextlib.contextmanager
def grows_little(pid):
    """Fails if the process's memory rises by more than MOST at any time."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # The peak begins anew.
    before = memory(pid, "VmRSS")
    yield
    assert memory(pid, "VmHWM") - before < MOST


def test_a_large_answer_is_never_held_whole(caller):
    connection, pid = caller
    with grows_little(pid):
        connection.request("GET", "/example/large", headers=connection.headers)
        answer, got = connection.getresponse(), 0
        while part := answer.read(MB):
            got += len(part)
    assert got == SIZE


def test_a_large_body_is_never_held_whole(caller):
    connection, pid = caller
    with grows_little(pid):
        headers = connection.headers | {"Content-Length": str(SIZE)}
        connection.request("PUT", "/example/large", (bytes(MB) for _ in range(SIZE // MB)), headers)
        answer = connection.getresponse()
        answer.read()
    assert (answer.status, answer.headers["X-Counted"]) == (200, str(SIZE))
