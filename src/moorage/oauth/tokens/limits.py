"""What of an app's limits for tokens each connection has used: tokens made lately, and tokens that still live."""

from collections.abc import Sequence
from typing import Any

import msgspec

from moorage.clock import lately
from moorage.connections.model import Connection
from moorage.http.timestamps import wire_time_of
from moorage.oauth.apps.providers import Providers
from moorage.oauth.tokens import store
from moorage.oauth.tokens.renewal import BUDGET, KEPT, WINDOW
from moorage.storage import Database

# What Zoho allows a refresh token; Moorage stops one before.
MOST_MADE, MOST_LIVE = 10, 15


class TokenLimits(msgspec.Struct, frozen=True):
    database: Database
    providers: Providers

    async def documents(self, connections: Sequence[Connection]) -> list[dict[str, Any]]:
        """The limits of those of the connections whose tokens an accounts server outside makes."""
        limited = [connection for connection in connections if self._is_limited(connection)]
        async with self.database.reading() as tx:
            times = await store.mints_of(tx, [connection.id for connection in limited], KEPT)
            now = tx.now / 1_000_000
        return [_document(connection, times.get(connection.id, []), now) for connection in limited]

    def _is_limited(self, connection: Connection) -> bool:
        if connection.app not in self.providers.names or connection.upstream is None:
            return False
        return self.providers.get(connection.app).refreshes and connection.upstream.kind != "embedded"


def _document(connection: Connection, times: Sequence[float], now: float) -> dict[str, Any]:
    """`times` are those at which tokens were made, in seconds since the epoch, the oldest first."""
    late = [moment for moment in times if lately(moment, now, WINDOW)]
    is_full = len(late) >= BUDGET
    return {
        "connection_id": connection.id,
        "made": len(late),
        "most_made": MOST_MADE,
        "window_seconds": int(WINDOW),
        "next_possible_at": _wire(late[-BUDGET] + WINDOW) if is_full else None,
        "live": len(times),
        "most_live": MOST_LIVE,
        "made_at": [_wire(moment) for moment in times],
    }


def _wire(moment: float) -> str:
    return wire_time_of(int(moment * 1_000_000))
