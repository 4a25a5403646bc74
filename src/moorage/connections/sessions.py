"""Session tokens: what makes a connection's `url` good for one person, one use and half an hour.

A token is signed and carries all there is to know, so none is stored. It names the connection and its generation: once
the connection is activated, the generation moves on and every older token is spent.
"""

import base64
import hmac
import struct
import uuid

from moorage.connections.errors import SessionExpired, SessionInvalid

LIFETIME = 30 * 60  # seconds
_FORMAT = struct.Struct(">16sII")  # connection, generation, expiry
_MAC_SIZE = 16


class Sessions:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, connection_id: str, generation: int, now: float) -> str:
        body = _FORMAT.pack(uuid.UUID(connection_id).bytes, generation, int(now) + LIFETIME)
        return base64.urlsafe_b64encode(body + self._mac(body)).decode().rstrip("=")

    def read(self, token: str, now: float) -> tuple[str, int]:
        """The connection's id and generation. Raises SessionInvalid, SessionExpired."""
        try:
            raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), b"-_", validate=True)
        except ValueError:
            raw = b""
        body, mac = raw[: _FORMAT.size], raw[_FORMAT.size :]
        if len(body) != _FORMAT.size or not hmac.compare_digest(mac, self._mac(body)):
            raise SessionInvalid("This link is not valid.", help="Copy the connection's url again, whole.")
        connection, generation, expires_at = _FORMAT.unpack(body)
        if now >= expires_at:
            raise SessionExpired(
                "This link has expired.", help="Ask for the connection again: its url is new."
            )
        return str(uuid.UUID(bytes=connection)), generation

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_MAC_SIZE]
