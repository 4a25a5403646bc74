"""Frames of WebSocket (RFC 6455), as far as one who passes them on has to know them: where they begin and end."""

import os

CLOSE = 0x8
_MASKED = 0x80


class Frames:
    """Follows the bytes of one direction. A frame of one's own fits in only where no other one is under way."""

    __slots__ = ("_head", "_left", "closed")

    def __init__(self) -> None:
        self._head = b""  # Of a frame whose head is not whole yet.
        self._left = 0  # How much of a frame is still to come.
        self.closed = False  # Whether a close frame has passed: nothing may follow it.

    @property
    def at_boundary(self) -> bool:
        return not self._head and not self._left

    def feed(self, data: bytes) -> None:
        position, size = 0, len(data)
        while position < size:
            if self._left:
                step = min(self._left, size - position)
                self._left -= step
                position += step
                continue
            head = self._head + data[position : position + 14 - len(self._head)]
            length = _length_of_head(head)
            if length > len(head):
                self._head = head
                return
            position += length - len(self._head)
            self._head = b""
            self._left = _length_of_payload(head)
            self.closed = self.closed or head[0] & 0x0F == CLOSE


def close_frame(code: int, reason: str, *, masked: bool) -> bytes:
    """`masked` is for one to a server. The reason is at most 123 bytes long."""
    payload = code.to_bytes(2, "big") + reason.encode()
    if not masked:
        return bytes((0x80 | CLOSE, len(payload))) + payload
    mask = os.urandom(4)
    hidden = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    return bytes((0x80 | CLOSE, _MASKED | len(payload))) + mask + hidden


def _length_of_head(head: bytes) -> int:
    if len(head) < 2:
        return 2
    more = {126: 2, 127: 8}.get(head[1] & 0x7F, 0)
    return 2 + more + (4 if head[1] & _MASKED else 0)


def _length_of_payload(head: bytes) -> int:
    length = head[1] & 0x7F
    if length == 126:
        return int.from_bytes(head[2:4], "big")
    if length == 127:
        return int.from_bytes(head[2:10], "big")
    return length
