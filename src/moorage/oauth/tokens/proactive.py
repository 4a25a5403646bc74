"""Which connections are in use, and when the token of each is to be renewed so that no caller has to wait for that."""

from dataclasses import dataclass
from random import SystemRandom

from moorage.connections.model import Connection
from moorage.oauth.model import AccessToken

EARLY = 300.0  # Seconds before its end at which a token is renewed ...
JITTER = 60.0  # ... and up to so many more, so that not all are renewed at once.
LATELY = 3600.0  # A connection that nobody used for so long is left alone until somebody does.

_random = SystemRandom()


@dataclass(slots=True)
class Use:
    connection: Connection
    expires_at: float
    due: float
    last: float


class Ahead:
    def __init__(self) -> None:
        self._uses: dict[str, Use] = {}

    def note(self, connection: Connection, token: AccessToken, now: float) -> None:
        """A connection is used just now, with this token."""
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
        """Those whose tokens are to be renewed now."""
        self._uses = {key: use for key, use in self._uses.items() if now - use.last < LATELY}
        return [use for use in self._uses.values() if use.due <= now]

    def _plan(self, connection: Connection, token: AccessToken, now: float, *, last: float) -> None:
        if token.expires_at is None:
            self.forget(connection.id)
            return
        # Not before half its time, so that one that never lasts longer than this is not renewed without pause.
        early = min(EARLY + _random.uniform(0, JITTER), max(0.0, token.expires_at - now) / 2)
        self._uses[connection.id] = Use(connection, token.expires_at, token.expires_at - early, last)
