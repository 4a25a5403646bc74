"""One origin on a real socket: claimed requests that echo, others that go to an ASGI application, and a client."""

import asyncio
import contextlib
import json
import socket
import threading
import time

import uvicorn
import uvloop

from moorage.http.bodies import Allowance, Budget
from moorage.http.crowd import Crowd
from moorage.http.direct import DirectProtocol
from moorage.http.exchange import Exchange
from moorage.http.message import Response
from moorage.serve.process import Server
from tests.gateway.wire import Client

LIMIT = 1000
HOST = "Host: a.test\r\n"
GET = "GET %s HTTP/1.1\r\n" + HOST + "\r\n"


def post(target, body, headers=""):
    return f"POST {target} HTTP/1.1\r\n{HOST}{headers}Content-Length: {len(body)}\r\n\r\n{body}"


def chunked(target, *lines, headers=""):
    return f"POST {target} HTTP/1.1\r\n{HOST}{headers}Transfer-Encoding: chunked\r\n\r\n" + "\r\n".join(lines)


def closes(answer):
    return answer.names.get("connection") == "close"


class Echo(Exchange):
    """Tells what it got; `/direct/later` only once the origin is released, `/direct/early` before the body.

    `/direct/paused` is not read for a second.
    """

    def __init__(self, protocol, head, origin):
        self.protocol, self.head, self.origin, self.body = protocol, head, origin, b""

    def start(self):
        self.protocol.want_body()
        if self.head.target.startswith(b"/direct/early"):
            self.protocol.refuse(Response(200, b"early"))
        elif self.head.target.startswith(b"/direct/bug/start"):
            raise RuntimeError("a bug at the start")

    def on_body(self, part):
        self.body += part

    def on_read(self):
        if self.head.target == b"/direct/paused":
            self.protocol.flow.pause_reading()
            self.protocol.loop.call_later(1.0, self.protocol.resume_reading)

    def on_end(self):
        target = self.head.target
        self.origin.seen.append(target)
        if target.startswith(b"/direct/bug/end"):
            raise RuntimeError("a bug at the end")
        if target.startswith(b"/direct/large"):
            self.protocol.respond(Response(200, b"x" * (int(target.rpartition(b"/")[2]) << 20)))
        elif target.startswith(b"/direct/later"):
            self.protocol.start_task(self.later())
        else:
            self.answer()

    def on_gone(self):
        self.origin.gone.set()

    async def later(self):
        await self.origin.released.wait()
        if self.protocol.is_current(self):
            self.answer()

    def answer(self):
        document = {
            "by": "direct",
            "method": self.head.method.decode(),
            "target": self.head.target.decode(),
            "headers": [
                [name.decode("latin-1"), value.decode("latin-1")] for name, value in self.head.headers
            ],
            "body": self.body.decode("latin-1"),
        }
        self.protocol.respond(Response(200, json.dumps(document).encode()))


async def application(scope, receive, send):
    """Tells what it got; `/asgi/later` waits, `/asgi/part` in the middle of its answer.

    `/asgi/early` answers without looking at the body.
    """
    body, more = b"", not scope["path"].startswith("/asgi/early")
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["path"].startswith("/asgi/part"):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        await scope["state"]["origin"].released.wait()
    if scope["path"].startswith("/asgi/later"):
        await scope["state"]["origin"].released.wait()
    document = {
        "by": "asgi",
        "method": scope["method"],
        "target": scope["path"],
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        "body": body.decode("latin-1"),
    }
    answer = json.dumps(document).encode()
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


class Origin:
    """A running server. Later answers wait for `released`, in the server's loop."""

    def __init__(self, keep_alive=20.0, protocol=None, crowd=None, drain=5):
        self.seen = []
        self.gone = threading.Event()
        self.protocol = protocol
        self.listener = socket.create_server(("127.0.0.1", 0))
        # A small buffer in the kernel, so that the server notices soon whether a client reads.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        self.port = self.listener.getsockname()[1]
        config = uvicorn.Config(
            self.with_state, http=protocol or self.claims(), lifespan="off", ws="none", log_config=None,
            access_log=False, timeout_keep_alive=keep_alive, timeout_graceful_shutdown=drain, interface="asgi3",
        )  # fmt: skip
        self.crowd = config.http.crowd = Crowd() if crowd is None else crowd
        self.server = Server(config)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.002)

    def claims(self):
        origin = self

        class Claims(DirectProtocol):
            def claim(self, head):
                return Echo(self, head, origin) if head.target.startswith(b"/direct") else None

        return Claims

    async def with_state(self, scope, receive, send):
        scope["state"]["origin"] = self
        await application(scope, receive, send)

    def run(self):
        async def serve():
            self.loop = asyncio.get_running_loop()
            self.released = asyncio.Event()
            await self.server.serve(sockets=[self.listener])

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve())

    def release(self):
        self.loop.call_soon_threadsafe(self.released.set)

    def stop(self):
        with contextlib.suppress(RuntimeError):  # The server may have ended already.
            self.release()
        self.server.should_exit = True
        self.thread.join(10)
        assert not self.thread.is_alive()

    @property
    def connections(self):
        return len(self.server.server_state.connections)

    def connect(self):
        return Caller(self.port)


def admit(_request):
    """Takes bodies of up to a thousand bytes from anybody."""
    return Allowance(LIMIT, Budget(1 << 20))


class Pending:
    """A door whose answer takes until it is let go; `outcome` tells whether it came so far."""

    def __init__(self):
        self.begun, self.ended, self.let_go = threading.Event(), threading.Event(), threading.Event()
        self.outcome = None

    def __call__(self, _request):
        return self.answer()

    async def answer(self):
        self.begun.set()
        try:
            await asyncio.to_thread(self.let_go.wait, 10)
            self.outcome = "done"
        except asyncio.CancelledError:
            self.outcome = "given up"
            raise
        finally:
            self.ended.set()
        return Response(200, b"")


class Caller(Client):
    """A client that speaks in bytes."""

    def ask(self, text):
        self.send(text)
        return self.told()

    def told(self):
        """The next answer's document."""
        answer = self.answer()
        return json.loads(answer.body) if answer.status < 400 else answer.status

    def everything(self):
        """All that comes until the end of the connection, however it ends."""
        taken = self.buffer
        with contextlib.suppress(ConnectionResetError):
            while part := self.socket.recv(65536):
                taken += part
        return taken
