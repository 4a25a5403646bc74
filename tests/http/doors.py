"""A door that streams, behind both ends: an origin of its own, and the gateway; and a server of it for a process of
its own."""

import asyncio
import contextlib
import hashlib
import resource
import sys
import tempfile
import threading
from pathlib import Path

from moorage.crm.wire.refusals import refusal
from moorage.errors import MoorageError
from moorage.http.answering import Door, answering
from moorage.http.bodies import Allowance, Budget
from moorage.http.message import Parts, Response
from moorage.http.spool import Spool
from moorage.storage.errors import DatabaseUnusable
from tests.gateway.wire import AUTHORIZED, World
from tests.http.origin import Caller, Origin

KINDS = ["origin", "gateway"]
PART = 64 * 1024
MOST = 64 << 20


class Streams:
    """Answers GET with the parts of `sizes`, and POST with the length and digest of the body, or all of it.

    `asked` is how much was asked for of the last answer, `closed` is set once its generator was.
    """

    def __init__(self, folder, *, most=MOST, memory=16 << 20, disk=1 << 30):
        self.spool = Spool(
            Path(folder), lambda error: DatabaseUnusable(f"the disk: {error}", kind="full"), disk
        )
        self.budget = Budget(memory, self.spool)
        self.allowance = Allowance(most, self.budget)
        self.sizes, self.length, self.trouble = [], None, None
        self.status = 200
        self.asked, self.bodies = 0, []
        self.closed, self.released = threading.Event(), threading.Event()
        self.door = Door(self.answer, lambda _request: self.allowance)

    def answer(self, request):
        if request.method == "POST":
            return self.take(request)
        self.asked = 0
        self.closed.clear()
        length = sum(self.sizes) if self.length is None else self.length
        return Response(self.status, Parts(length, self.parts(list(self.sizes))))

    async def parts(self, sizes):
        try:
            for size in sizes:
                self.asked += size
                yield bytes(pattern(self.asked - size, size))
                await asyncio.sleep(0)
            if self.trouble is not None:
                raise self.trouble
        finally:
            self.closed.set()

    async def take(self, request):
        self.bodies.append(type(request.body).__name__)
        if request.path.endswith(b"/whole"):
            try:
                return Response(200, await request.whole())
            except MoorageError as error:
                return Response(503, error.code.encode())
        if request.path.endswith(b"/later"):
            await asyncio.to_thread(self.released.wait, 10)
        return Response(200, (await asyncio.to_thread(digest, request.file())).encode())


def digest(file):
    seen, length = hashlib.sha256(), 0
    while part := file.read(PART):
        seen.update(part)
        length += len(part)
    return f"{length} {seen.hexdigest()}"


PERIOD = bytes(range(251))


def pattern(start, size):
    """Bytes that tell where in an answer they stood."""
    first = start % 251
    return (PERIOD * (size // 251 + 2))[first : first + size]


@contextlib.contextmanager
def behind(kind, streams, *, keep_alive=20.0):
    """Serves the door; gives the port, the start of its paths, the headers that it asks for, and what runs it."""
    if kind == "origin":
        server = Origin(protocol=answering(streams.door, render_error=refusal), keep_alive=keep_alive)
        end = End(server.port, "", "Host: a.test\r\n", server)
    else:
        server = World(door=streams.door.answer, admit=streams.door.admit, keep_alive=keep_alive)
        server.embed()
        server.start()
        end = End(server.port, "/zoho-crm", AUTHORIZED, server)
    try:
        yield end
    finally:
        server.stop()


class End:
    def __init__(self, port, prefix, headers, server):
        self.port, self.prefix, self.headers, self.server = port, prefix, headers, server

    def connect(self):
        return Caller(self.port)

    def get(self, path="/a", *, method="GET", version="1.1", headers=""):
        return f"{method} {self.prefix}{path} HTTP/{version}\r\n{self.headers}{headers}\r\n"

    def post(self, length, path="/a", headers=""):
        return f"POST {self.prefix}{path} HTTP/1.1\r\n{self.headers}{headers}Content-Length: {length}\r\n\r\n"


def main(kind):
    """Serve until the input ends; each line that comes is answered with the most memory that was used, in kB."""
    with tempfile.TemporaryDirectory() as folder:
        streams = Streams(folder)
        streams.sizes = [PART] * (50 << 4)
        with behind(kind, streams) as end:
            print(end.port, flush=True)
            for _ in sys.stdin:
                print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
