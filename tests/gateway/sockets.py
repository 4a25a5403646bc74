"""An app that speaks WebSocket, in a thread with an event loop of its own, a gateway before it, and callers of it."""

import asyncio
import contextlib
import threading

import aiohttp
from aiohttp import web

from moorage.gateway.limits import Limits
from tests.gateway.wire import AUTHORIZED, KEY
from tests.waiting import wait_until

AUTHORIZATION = {"Authorization": f"Bearer {KEY}"}
PATIENT = Limits(connect=5, answer=5, idle=5)
ASK = (
    f"GET /zoho-crm/chat HTTP/1.1\r\n{AUTHORIZED}Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class SocketApp:
    """Echoes all messages at /echo; other paths do what their names say. `ends` has how each socket ended."""

    def __init__(self, tls=None):
        self.tls = tls
        self.requests, self.ends, self.open = [], [], []
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.thread.start()
        assert self.ready.wait(10)

    async def _run(self):
        self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application()
        app.router.add_get("/{tail:.*}", self._serve)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self.tls)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        self.ready.set()
        await self.over.wait()
        await runner.cleanup()

    def stop(self):
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(10)

    def call(self, work):
        """Run a coroutine in the app's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def _serve(self, request):
        self.requests.append((request.raw_path, {k.lower(): v for k, v in request.headers.items()}))
        if request.path == "/refused":
            return web.Response(status=418, text="no sockets", headers={"Set-Cookie": "a=b", "X-Why": "tea"})
        socket = web.WebSocketResponse(
            protocols=("chat",),
            autoping=True,
            autoclose=True,
            max_msg_size=0,
            compress=request.path != "/plain",
        )
        await socket.prepare(request)
        self.open.append((socket, request))
        try:
            if request.path == "/push":
                for _ in range(300):
                    await socket.send_bytes(bytes(65536))
            if request.path == "/bye":
                await socket.send_str("first")
                await socket.close(code=4321, message=b"so long")
            async for message in socket:
                if message.type == aiohttp.WSMsgType.TEXT:
                    await socket.send_str(message.data)
                elif message.type == aiohttp.WSMsgType.BINARY:
                    await socket.send_bytes(message.data)
        finally:
            self.ends.append(socket.close_code)
        return socket


def talk(port, path, work, *, headers=None, **options):
    """Run work(socket) on a WebSocket to the gateway; what it gives."""

    async def run():
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                f"http://127.0.0.1:{port}{path}",
                headers=AUTHORIZATION | (headers or {}),
                max_msg_size=0,
                **options,
            ) as socket,
        ):
            return await asyncio.wait_for(work(socket), 30)

    return asyncio.run(run())


def refusal(port, path, headers=None):
    """Status, headers and body of the answer to a call for WebSocket that is not 101."""

    async def run():
        wanted = {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }  # fmt: skip
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                f"http://127.0.0.1:{port}{path}", headers=AUTHORIZATION | wanted | (headers or {})
            ) as answer,
        ):
            names = {k.lower(): v for k, v in answer.headers.items()}
            return answer.status, names, await answer.text()

    return asyncio.run(run())


@contextlib.contextmanager
def chatting(world, tls=None, scheme="http"):
    """That gateway before an app of its own that speaks WebSocket."""
    world.app = SocketApp(tls=tls)
    world.remote(world.app.port, scheme=scheme, host="localhost")
    world.start()
    yield world
    world.stop()
    world.app.stop()


def afresh(world):
    """The same, once all is over that it did before, and forgotten."""
    wait_until(lambda: len(world.app.ends) == len(world.app.open) and not world.gateway.tunnels._open)
    for noted in (world.app.requests, world.app.ends, world.app.open):
        noted.clear()
    return world


async def echo(ws):
    await ws.send_str("äöü")
    first = (await ws.receive()).data
    await ws.send_bytes(bytes(range(256)) * 4096)
    second = (await ws.receive()).data
    await ws.ping()
    await ws.send_str("")
    return first, second, (await ws.receive()).data
