"""Plans early renewals for connections in use, so that no caller has to wait for a renewal."""

from random import SystemRandom

import msgspec

from moorage.connections.model import Connection
from moorage.oauth.model import AccessToken

EARLY_SECONDS = 300.0  # A token is renewed this long before it expires,
# and by a random time earlier, up to this, so that not all are renewed at the same time.
JITTER_SECONDS = 60.0
IN_USE_SECONDS = 3600.0  # A connection that was not used for this long gets no early renewal.

_random = SystemRandom()


class Use(msgspec.Struct):
    connection: Connection
    expires_at: float
    due: float
    last: float


class RenewalSchedule:
    def __init__(self) -> None:
        self._uses: dict[str, Use] = {}

    def note(self, connection: Connection, token: AccessToken, now: float) -> None:
        """Note that a call uses the connection now, with this token."""
        use = self._uses.get(connection.id)
        if use is None or use.expires_at != token.expires_at:
            self._plan(connection, token, now, last=now)
        else:
            use.connection, use.last = connection, now

    def renewed(self, use: Use, token: AccessToken, now: float) -> None:
        if token.expires_at != use.expires_at:
            self._plan(use.connection, token, now, last=use.last)

    def forget(self, connection_id: str) -> None:
        self._uses.pop(connection_id, None)

    def due(self, now: float) -> list[Use]:
        """The uses whose tokens have to be renewed now."""
        self._uses = {key: use for key, use in self._uses.items() if now - use.last < IN_USE_SECONDS}
        return [use for use in self._uses.values() if use.due <= now]

    def _plan(self, connection: Connection, token: AccessToken, now: float, *, last: float) -> None:
        if token.expires_at is None:
            self.forget(connection.id)
            return
        # Not before half of its lifetime, because a token with a short lifetime would be renewed all the time.
        early = min(EARLY_SECONDS + _random.uniform(0, JITTER_SECONDS), max(0.0, token.expires_at - now) / 2)
        self._uses[connection.id] = Use(connection, token.expires_at, token.expires_at - early, last)
