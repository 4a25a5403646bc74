"""Seals what a client keeps for the server between two tries of a call.

The SDK binds it to the tool, its arguments, the server and the key, and says when it ends.
"""

from collections.abc import Sequence

from mcp.server.context import CallNext, HandlerResult
from mcp.server.request_state import AESGCMRequestStateCodec, RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from moorage.errors import MoorageError
from moorage.mcp.context import Context, session_of
from moorage.mcp.sealing import LIFETIME, SealingKeys


class SealedStates:
    """Middleware of the SDK's server. `audience` is what the states are for: those of another server are refused."""

    def __init__(self, keys: SealingKeys, audience: str) -> None:
        self._keys = keys
        self._audience = audience

    async def __call__(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        if ctx.method != "tools/call":
            return await call_next(ctx)
        has_state = ctx.params is not None and ctx.params.get("requestState") is not None
        try:
            valid = await self._keys.valid() if has_state else ()
        except MoorageError as error:
            raise MCPError(INTERNAL_ERROR, error.message) from None
        security = RequestStateSecurity(codec=_Codec(self._keys, valid), ttl=LIFETIME, bind_principal=_caller)
        return await RequestStateBoundary(security, default_audience=self._audience)(ctx, call_next)


class _Codec:
    """Takes a key only when it is needed: most calls have no state, and a locked vault has none."""

    def __init__(self, keys: SealingKeys, valid: Sequence[bytes]) -> None:
        self._keys = keys
        self._valid = valid

    def seal(self, payload: bytes) -> str:
        return AESGCMRequestStateCodec([self._keys.current()]).seal(payload)

    def unseal(self, token: str) -> bytes:
        # While a key is retired, it is among those of the ring and among the retired ones. The SDK refuses that.
        return AESGCMRequestStateCodec(list(dict.fromkeys(self._valid))).unseal(token)


def _caller(context: Context) -> str:
    """The key, and the account of the server's path: the same arguments mean other calls there."""
    session = session_of(context)
    return f"{session.principal.key_id} {session.account or ''}"
