"""Session tokens: the part of a connection's `url` that lets a person connect it once, within half an hour.

A token holds the id and the generation of its connection, and a signature. So tokens need not be stored. When the
connection is activated, its generation rises, and every older token becomes invalid.
"""

import base64
import hmac
import struct
import uuid
from collections.abc import Awaitable, Callable, Sequence

from moorage.clock import SKEW, is_ahead
from moorage.connections.errors import SessionExpired, SessionInvalid
from moorage.digests import base64url

LIFETIME = 30 * 60  # seconds
PURPOSE = "session tokens"  # The purpose for which the signing key is derived from the vault's key.
_FORMAT = struct.Struct(">16sIQ")  # connection, generation, expiry
_MAC_SIZE = 16


class Sessions:
    """`signing_key` returns the key for new tokens.

    `all_keys` returns that key and the earlier ones, as the vault key may have changed since a token was made.
    """

    def __init__(
        self, signing_key: Callable[[], bytes], all_keys: Callable[[], Awaitable[Sequence[bytes]]]
    ) -> None:
        self._signing_key = signing_key
        self._all_keys = all_keys

    def make(self, connection_id: str, generation: int, now: float) -> str:
        body = _FORMAT.pack(uuid.UUID(connection_id).bytes, generation, int(now) + LIFETIME)
        return base64url(body + _mac(self._signing_key(), body))

    async def read(self, token: str, now: float) -> tuple[str, int]:
        """The connection's id and generation. Raises SessionInvalid, SessionExpired."""
        try:
            raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), b"-_", validate=True)
        except ValueError:
            raw = b""
        body, mac = raw[: _FORMAT.size], raw[_FORMAT.size :]
        if len(body) != _FORMAT.size or not await self._is_signed(body, mac):
            raise SessionInvalid("This link is not valid.", help="Copy the connection's whole url again.")
        connection, generation, expires_at = _FORMAT.unpack(body)
        if not is_ahead(expires_at, now, LIFETIME + SKEW):
            raise SessionExpired(
                "This link has expired.", help="Ask for the connection again: its url is new."
            )
        return str(uuid.UUID(bytes=connection)), generation

    async def _is_signed(self, body: bytes, mac: bytes) -> bool:
        return any(hmac.compare_digest(mac, _mac(key, body)) for key in await self._all_keys())


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC_SIZE]
