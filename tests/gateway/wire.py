"""The gateway on a real socket, an upstream that plays a script and records raw bytes, and a client of bytes."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import uvicorn
import uvloop

from moorage.clock import SystemClock
from moorage.connections.errors import ConnectionMissing
from moorage.connections.model import Connection, Upstream
from moorage.gateway.gateway import Gateway, Rules
from moorage.gateway.limits import Limits
from moorage.gateway.pool import Pool
from moorage.gateway.protocol import gateway_protocol
from moorage.gateway.resolve import Resolver
from moorage.gateway.tls import ClientContext
from moorage.http.answering import Door
from moorage.http.bodies import Allowance, Budget
from moorage.http.message import Response
from moorage.keys.errors import KeyInvalid
from moorage.keys.limits import RateLimiter
from moorage.keys.model import Principal
from moorage.requests import Notes
from tests.gateway.guards import Guards

KEY = "a key of sixteen characters"
AUTHORIZED = f"Authorization: Bearer {KEY}\r\nHost: gateway.test\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Keys:
    def __init__(self):
        self.known = {f"Bearer {KEY}": Principal("key_1", "account")}
        self.asked = 0

    async def authenticate(self, authorization):
        self.asked += 1
        if authorization not in self.known:
            raise KeyInvalid
        return self.known[authorization]


@dataclass
class Token:
    value: str
    expires_at: float | None = None
    upstream: Upstream | None = None
    renewable: bool = True


class Tokens:
    """Gives token-1, and after each refusal the next; unless there is only the first."""

    def __init__(self, *, renewable=True):
        self.renewable = renewable
        self.count = 1
        self.refused = []

    async def access(self, connection, *, instead_of=None):
        await asyncio.sleep(0)
        if instead_of == f"token-{self.count}":
            self.refused.append(instead_of)
            self.count += 1
        return Token(f"token-{self.count}", renewable=self.renewable)


class Connections:
    def __init__(self, upstreams):
        self.upstreams = upstreams
        self.generation = 1
        self.chosen = []

    async def choose(self, account_id, app, connection_id, reach):
        self.chosen.append(connection_id)
        name = connection_id or next(iter(self.upstreams), None)
        if name not in self.upstreams:
            raise ConnectionMissing(app)
        return Connection(
            name, account_id, app, "OAUTH2", "ACTIVE", 0, 0, self.generation, {}, self.upstreams[name]
        )

    async def names(self, account_id, app, reach):
        return list(self.upstreams)


async def asgi(scope, receive, send):
    """Echoes the path; /slow takes a while, /body gives the body's length, /stuck never ends."""
    body = b""
    if scope["path"] == "/body":
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        body = str(len(body)).encode()
    if scope["path"] == "/slow":
        await asyncio.sleep(0.3)
    headers = [(b"x-path", scope["path"].encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body or b"asgi " + scope["path"].encode()})


def echo(request):
    """Plays the embedded CRM: its answer repeats the request. A path that ends with `later` is answered later."""
    lines = [f"{request.method} {request.path.decode()} {request.query.decode()}"]
    lines += [f"{name.decode()}={value.decode('latin-1')}" for name, value in request.headers]
    response = Response(200, "\n".join([*lines, str(len(request.body))]).encode(), [(b"set-cookie", b"a=b")])
    if request.path.endswith(b"/204"):
        response = Response(204)
    if request.path.endswith(b"/401"):
        response = Response(401 if "token-1" in request.header(b"authorization") else 200, b"checked")
    if request.path.endswith(b"/bug"):
        raise RuntimeError("a bug")
    if not request.path.endswith(b"/later"):
        return response

    async def later():
        await asyncio.sleep(0.1)
        if b"/bug/" in request.path:
            raise RuntimeError("a bug")
        return response

    return later()


@dataclass
class World:
    """Everything behind one gateway, and its port."""

    keys: Keys = field(default_factory=Keys)
    tokens: Tokens = field(default_factory=Tokens)
    upstreams: dict = field(default_factory=dict)
    limits: Limits = Limits(connect=1.0, answer=0.5, idle=0.5, kept=5.0)  # noqa: RUF009
    rate: float | None = None
    keep_alive: float = 5
    tls: ClientContext | None = None
    door: Callable = echo  # The embedded CRM's.
    max_body: int = 1 << 24  # That it takes.
    admit: Callable | None = None  # What it says before a body; all are taken up to that length.
    rules: Rules = Rules()  # noqa: RUF009
    prefix: str = ""
    notes: Notes = field(default_factory=Notes)
    guards: Guards = field(default_factory=Guards)
    holder: object = None
    spans: object = None
    probes: dict = field(default_factory=dict)
    port: int = 0

    def start(self):
        clock = SystemClock()
        self.connections = Connections(self.upstreams)
        self.resolver = Resolver(
            keys=self.keys,
            connections=self.connections,
            tokens=self.tokens,
            guards=self.guards,
            header=lambda app: "Zoho-oauthtoken {access_token}",
            environment=lambda app, upstream: "embedded" if upstream.kind == "embedded" else "live",
            limiter=RateLimiter(self.rate, clock),
            clock=clock,
        )
        self.pool = Pool(self.limits, lambda: self.tls)
        allowance = Allowance(self.max_body, Budget(1 << 28))
        embedded = Door(self.door, self.admit or (lambda _request: allowance))
        self.gateway = gateway = Gateway(
            self.resolver,
            ["zoho-crm"],
            embedded,
            pool=self.pool,
            rules=lambda _app: self.rules,
            prefix=self.prefix,
            notes=self.notes,
            holder=self.holder,
            spans=self.spans,
        )
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            asgi,
            http=gateway_protocol(gateway, self.probes),
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            timeout_keep_alive=self.keep_alive,
            timeout_graceful_shutdown=5,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self._run, args=(listener, gateway))
        self.thread.start()
        while not self.server.started:
            time.sleep(0.005)

    def _run(self, listener, gateway):
        async def serve():
            self.loop = asyncio.get_running_loop()
            await self.server.serve(sockets=[listener])
            await gateway.close()
            await asyncio.sleep(0)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve())

    def call(self, function):
        """Call something in the gateway's thread."""
        done = threading.Event()
        self.loop.call_soon_threadsafe(lambda: (function(), done.set()))
        assert done.wait(5)

    def waiting(self):
        """How many callers wait for a connection to an upstream."""
        counts = []
        self.call(lambda: counts.append(sum(len(host._waiting) for host in self.pool._hosts.values())))
        return counts[0]

    def stop(self):
        self.server.should_exit = True
        self.thread.join(10)
        assert not self.thread.is_alive()

    def remote(self, port, scheme="http", host="127.0.0.1", path=""):
        self.upstreams["remote"] = Upstream("remote", f"{scheme}://{host}:{port}{path}")

    def embed(self):
        self.upstreams["embedded"] = Upstream("embedded", organisation="demo")


class Client:
    """A connection that sends bytes and reads one answer at a time."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))

    def get(self, path, headers="", method="GET"):
        self.send(f"{method} {path} HTTP/1.1\r\n{AUTHORIZED}{headers}\r\n")
        return self.answer(bare=method == "HEAD")

    def post(self, path, body, headers="", method="POST"):
        self.send(f"{method} {path} HTTP/1.1\r\n{AUTHORIZED}{headers}Content-Length: {len(body)}\r\n\r\n")
        self.send(body)
        return self.answer()

    def answer(self, *, bare=False):
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = [tuple(line.split(": ", 1)) for line in lines]
        names = {name.lower(): value for name, value in headers}
        status = int(first.split(" ")[1])
        if bare or status in {100, 204, 304}:
            body = b""
        elif "content-length" in names:
            body = self.take(int(names["content-length"]))
        elif names.get("transfer-encoding") == "chunked":
            body = self._chunks()
        else:
            body = self.rest()
        return Answer(status, headers, names, body)

    def take(self, size):
        buffer = bytearray(self.buffer)
        while len(buffer) < size:
            part = self.socket.recv(1 << 20)
            if not part:
                raise EOFError
            buffer += part
        self.buffer = bytes(buffer[size:])
        return bytes(buffer[:size])

    def rest(self):
        """Everything up to the end; a broken connection raises ConnectionResetError."""
        while part := self.socket.recv(65536):
            self.buffer += part
        taken, self.buffer = self.buffer, b""
        return taken

    def _chunks(self):
        body = b""
        while True:
            while b"\r\n" not in self.buffer:
                self._more()
            size, self.buffer = self.buffer.split(b"\r\n", 1)
            body += self.take(int(size, 16))
            assert self.take(2) == b"\r\n"
            if int(size, 16) == 0:
                return body

    def _more(self):
        part = self.socket.recv(65536)
        if not part:
            raise EOFError(self.buffer)
        self.buffer += part


@dataclass
class Answer:
    status: int
    headers: list
    names: dict
    body: bytes


class Scripted:
    """An upstream in a thread: answers each request that arrives with the script's next entry.

    An entry is bytes, or a function of the connection; None closes the connection without an answer.
    """

    def __init__(self, *script, tls=None, keep=True):
        self.script = list(script)
        self.requests = []
        self.accepted = 0
        self.ended = threading.Event()
        self.keep = keep
        self.tls = tls
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), contextlib.closing(connection):
            if self.tls is None:
                self._answer_all(connection)
            else:
                with self.tls.wrap_socket(connection, server_side=True) as secured:
                    self._answer_all(secured)
        self.ended.set()

    def _answer_all(self, connection):
        buffer = bytearray()
        while True:
            while (request := complete(buffer)) is None:
                part = connection.recv(1 << 20)
                if not part:
                    return
                buffer += part
            buffer = buffer[len(request) :]
            self.requests.append(request)
            entry = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            if callable(entry):
                entry = entry(connection)
            if entry is None:
                return
            connection.sendall(entry)
            if not self.keep:
                return


def complete(buffer):
    """The first whole request in the buffer, or None."""
    end = buffer.find(b"\r\n\r\n") + 4
    if end == 3:
        return None
    lower = bytes(buffer[:end]).lower()
    if b"transfer-encoding: chunked" in lower:
        return _with_chunks(buffer, end)
    if b"content-length: " in lower:
        end += int(lower.split(b"content-length: ")[1].split(b"\r\n")[0])
    return bytes(buffer[:end]) if len(buffer) >= end else None


def _with_chunks(buffer, end):
    """The request whose chunks begin at `end`, or None."""
    while (line := buffer.find(b"\r\n", end)) >= 0:
        size = int(buffer[end:line], 16)
        end = line + 2 + size + 2
        if size == 0:
            return bytes(buffer[:end]) if len(buffer) >= end else None
    return None
