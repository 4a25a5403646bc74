"""The paths of the MCP server: who may come in, and to which tools."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from moorage.acting import act_as
from moorage.http.errors import MethodNotAllowed, quoted
from moorage.http.inside import InsideCalls
from moorage.keys.model import Principal
from moorage.loopback import is_loopback
from moorage.mcp.accounts import Accounts
from moorage.mcp.errors import McpMissing, OriginRefused
from moorage.mcp.memory import Memory
from moorage.mcp.rights import Rights
from moorage.mcp.sealing import SealingKeys
from moorage.mcp.session import Session

if TYPE_CHECKING:
    from moorage.mcp.serving import ProfileServer

SESSION = "moorage.session"  # In the scope of a request: the session of its caller.

# Each path of the server, and where its profile is declared. It is loaded at the first call.
PROFILES: Mapping[str, str] = {
    "/mcp": "moorage.mcp.crm",
    "/mcp/c/{account}": "moorage.mcp.crm",
    "/mcp/ops": "moorage.mcp.ops",
    "/mcp/lab": "moorage.mcp.lab",
    "/mcp/maton": "moorage.mcp.maton",
}


class Caller(msgspec.Struct, frozen=True):
    """`authorization` proves the key in calls that this process makes to itself."""

    principal: Principal
    authorization: str


# The caller of a request to a path of the MCP server. Raises KeyInvalid and the like.
Recognise: TypeAlias = Callable[[Request], Awaitable[Caller]]


class McpServers:
    """The servers of all profiles, each made at its first request.

    `apps` gives the names of all apps, and `base_url` is the gateway's for people.
    """

    def __init__(
        self,
        calls: InsideCalls,
        recognise: Recognise,
        rights: Rights,
        apps: Callable[[], Collection[str]],
        accounts: Accounts,
        keys: SealingKeys,
        base_url: str,
    ) -> None:
        self._calls = calls
        self._recognise = recognise
        self._rights = rights
        self._apps = apps
        self._accounts = accounts
        self._keys = keys
        self._base_url = base_url
        self._memory = Memory()
        self._servers: dict[str, ProfileServer] = {}
        self._making = asyncio.Lock()

    def routes(self) -> list[Route]:
        return [_route(path, _Door(self, module)) for path, module in PROFILES.items()]

    async def close(self) -> None:
        for server in self._servers.values():
            await server.close()

    async def answer(self, module: str, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        _require_own_origin(request, self._base_url)
        caller = await self._recognise(request)
        principal = caller.principal
        act_as(principal.kind, principal.key_id, principal.name, principal.account_id)
        scope[SESSION] = Session(
            principal,
            caller.authorization,
            self._calls,
            self._rights,
            (request.client.host, request.client.port) if request.client else ("", 0),
            request.headers,
            self._accounts,
            account=request.path_params.get("account"),
            memory=self._memory,
            apps=self._apps,
        )
        server = await self._server(module)
        server.profile.require(principal)
        await server.answer(scope, receive, send)

    async def _server(self, module: str) -> "ProfileServer":
        server = self._servers.get(module)
        if server is not None:
            return server
        async with self._making:
            if module not in self._servers:
                self._servers[module] = await _made(module, self._keys)
        return self._servers[module]


async def _made(module: str, keys: SealingKeys) -> "ProfileServer":
    if find_spec("mcp") is None:
        raise McpMissing
    serving: Any = await asyncio.to_thread(import_module, "moorage.mcp.serving")
    profile: Any = await asyncio.to_thread(import_module, module)
    server: ProfileServer = serving.ProfileServer(profile.PROFILE, keys)
    await server.start()
    return server


class _Door:
    """The ASGI application at one path."""

    def __init__(self, servers: McpServers, module: str) -> None:
        self._servers = servers
        self._module = module

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["method"] != "POST"
        ):  # The server keeps no sessions, so there is no stream to open and none to end.
            raise MethodNotAllowed(f"{scope['method']} is not possible here.", allow="POST")
        await self._servers.answer(self._module, scope, receive, send)


def _route(path: str, door: _Door) -> Route:
    route = Route(path, door)
    route.methods = None  # Otherwise Starlette answers other methods itself, in a shape of its own.
    return route


def _require_own_origin(request: Request, base_url: str) -> None:
    """Raises OriginRefused for a request of a page of another site: browsers say where a script comes from."""
    origin = request.headers.get("origin")
    if origin is None:
        return
    own = urlsplit(base_url)
    asked = urlsplit(origin)
    if (asked.scheme, asked.netloc.lower()) == (own.scheme, own.netloc.lower()):
        return
    if is_loopback(own.hostname or "") and is_loopback(asked.hostname or ""):
        return
    raise OriginRefused(
        f"A page of {quoted(origin)} may not use this server.", help="Use a client that is no web page."
    )
