"""The MCP server itself: the official SDK, and what it asks of us. It is imported at the first call."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import mcp_types as types
import msgspec
from mcp.server.caching import CacheHint
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from starlette.types import Receive, Scope, Send

import moorage
from moorage.errors import MoorageError
from moorage.logs import Log
from moorage.mcp.answers import HARD_CAP, Told
from moorage.mcp.asking import after_waiting, asked, may_ask, resume, state_of
from moorage.mcp.context import Context, session_of
from moorage.mcp.errors import Held, PersonNeeded, ToolFailed
from moorage.mcp.profile import Profile
from moorage.mcp.request_state import SealedStates
from moorage.mcp.sealing import SealingKeys
from moorage.mcp.session import Session
from moorage.mcp.texts import in_a_line
from moorage.mcp.tool import ACCOUNT, Tool
from moorage.policies import Kind

_TTL = 300_000  # Milliseconds for which a client may keep the list of tools.

log = Log(__name__)


class ProfileServer:
    """Serves the tools of a profile to clients of all revisions of the protocol. It keeps nothing between requests."""

    def __init__(self, profile: Profile, keys: SealingKeys) -> None:
        self.profile = profile
        server: Server[Any] = Server(
            "moorage",
            version=moorage.__version__,
            title="Moorage",
            instructions=profile.instructions,
            cache_hints={"tools/list": CacheHint(ttl_ms=_TTL, scope="private")},
            get_tool_input_schema=self._input_schema,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        # The request log and the audit tell of calls; nobody collects spans here.
        server.middleware[:] = [SealedStates(keys, profile.name)]
        self._manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        self._end = asyncio.Event()
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to serve. The SDK wants its beginning and its end in one task."""
        self._task = asyncio.create_task(self._run())
        await self._ready.wait()

    async def _run(self) -> None:
        async with self._manager.run():
            self._ready.set()
            await self._end.wait()

    async def close(self) -> None:
        self._end.set()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._manager.handle_request(scope, receive, send)

    def _input_schema(self, name: str) -> dict[str, Any] | None:
        tool = self.profile.by_name.get(name)
        return None if tool is None else tool.input_schema

    async def _list(
        self, context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        session = session_of(context)
        try:
            kinds = () if self.profile.scopes else await session.kinds()
        except MoorageError as error:
            raise MCPError(types.INVALID_PARAMS, error.message) from None
        account = session.account
        tools = [tool for tool in self.profile.tools if tool.is_for(session.principal, kinds, account)]
        return types.ListToolsResult(tools=[_described(tool, account, tool.worst(kinds)) for tool in tools])

    async def _call(
        self, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        tool = self.profile.by_name.get(params.name)
        session = session_of(context)
        if tool is None:
            failed = ToolFailed(f"There is no tool {params.name[:80]!r}.", step="tools/list shows all tools.")
            return _failure(failed)
        state = state_of(context, params)
        try:
            again = None if state is None else await resume(session, state, params)
            if again is not None:
                return again
            told = await tool.run(session, tool.asked(_arguments(params.arguments, session)))
        except ToolFailed as failed:
            return _failure(failed if state is None else after_waiting(failed, state))
        except PersonNeeded as needed:
            if state is not None and may_ask(session, state):
                return asked(state, needed)
            told = self._waiting(needed)
        except MoorageError as error:
            return _failure(ToolFailed.of(error))
        except Exception:
            log.exception("mcp.failed", tool=tool.name)
            return _failure(
                ToolFailed("Something failed inside Moorage.", step="Try once more, then tell a person.")
            )
        return _result(told)

    def _waiting(self, needed: PersonNeeded) -> Told:
        """The result for a client that can't be asked, or was asked often enough."""
        if isinstance(needed, Held):
            return self.profile.waiting(needed)
        assert needed.told is not None, "whatever needs a person says what to tell"
        return needed.told


def _arguments(arguments: Mapping[str, Any] | None, session: Session) -> Mapping[str, Any]:
    """The arguments. Raises ToolFailed for another account than that of the path."""
    arguments = arguments or {}
    if session.account is not None and arguments.get(ACCOUNT) not in {None, session.account}:
        raise ToolFailed(
            f"This server is for the account {session.account}.",
            step=f"Leave {ACCOUNT} out.",
            code="account_fixed",
        )
    return arguments


def _described(tool: Tool[Any], account: str | None, kind: Kind) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema_for(account),
        output_schema=tool.output_schema,
        annotations=_hints(tool, kind),
    )


def _hints(tool: Tool[Any], kind: Kind) -> types.ToolAnnotations:
    """What the protocol lets clients know of a tool. The rest follows: a tool that only reads destroys nothing."""
    return types.ToolAnnotations(
        read_only_hint=kind == "read" or None,
        destructive_hint=None if kind == "read" else kind == "destructive",
        idempotent_hint=tool.is_idempotent or None,
        open_world_hint=tool.is_open,
    )


def _result(told: Told) -> types.CallToolResult:
    encoded = msgspec.json.encode(told.data)
    size = len(encoded) if told.data is not None else len(told.text.encode())
    if size > HARD_CAP:
        return _failure(
            ToolFailed(
                f"The result has {size:,} bytes, and no more than {HARD_CAP:,} go to an agent.",
                step="Ask for fewer fields or records.",
                code="result_too_large",
            )
        )
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=told.content())],
        structured_content=msgspec.json.decode(encoded),
    )


def _failure(failed: ToolFailed) -> types.CallToolResult:
    """A line that says what is wrong, and what would help."""
    code = f"{failed.code}: " if failed.code else ""
    step = f" Next: {failed.step}" if failed.step else ""
    line = in_a_line(f"{code}{failed.message}{step}")
    return types.CallToolResult(content=[types.TextContent(type="text", text=line)], is_error=True)
