"""Finds where the frames of a WebSocket (RFC 6455) begin and end. A tunnel needs nothing else about them."""

import math
import os
import re

CLOSE = 0x8
_MASKED = 0x80
_SHORT = 126  # Below this, a frame's second byte is its length.


def _short_frames() -> re.Pattern[bytes]:
    """A pattern for any number of whole frames that are short and not close frames.

    One read may bring thousands of small frames. A loop in Python over all of them would delay other calls.
    """
    closes = "".join(rf"\x{first:02x}" for first in range(256) if first & 0x0F == CLOSE)
    plain = [(length, length) for length in range(_SHORT)]
    masked = [(_MASKED | length, 4 + length) for length in range(_SHORT)]
    shapes = "|".join(
        rf"\x{second:02x}.{{{rest}}}" for second, rest in sorted(plain + masked, key=lambda pair: pair[1])
    )
    return re.compile(rf"(?s)(?:[^{closes}](?:{shapes}))*+".encode("ascii"))


_WHOLE = _short_frames()


class Frames:
    """Follows the bytes of one direction, because a close frame may be inserted only between two frames."""

    __slots__ = ("_head", "_left", "closed")

    def __init__(self) -> None:
        self._head = b""  # The beginning of a frame whose head is not complete yet.
        self._left = 0.0  # The bytes of the current frame that have not arrived yet.
        self.closed = False  # True after a close frame. No frame may follow it.

    @property
    def at_boundary(self) -> bool:
        return not self._head and not self._left

    def feed(self, data: bytes) -> None:
        position, size = 0, len(data)
        while position < size:
            if self._left:
                step = int(min(self._left, size - position))
                self._left -= step
                position += step
                continue
            if not self._head and (match := _WHOLE.match(data, position)) and match.end() > position:
                position = match.end()
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
    """A close frame. `masked` is True if it goes to a server. The reason may have at most 123 bytes."""
    payload = code.to_bytes(2, "big") + reason.encode()
    if not masked:
        return bytes((0x80 | CLOSE, len(payload))) + payload
    mask = os.urandom(4)
    hidden = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes((0x80 | CLOSE, _MASKED | len(payload))) + mask + hidden


def _length_of_head(head: bytes) -> int:
    if len(head) < 2:
        return 2
    more = {126: 2, 127: 8}.get(head[1] & 0x7F, 0)
    return 2 + more + (4 if head[1] & _MASKED else 0)


def _length_of_payload(head: bytes) -> float:
    """The length; infinite if it is written in more bytes than it needs, which RFC 6455 (5.2) forbids."""
    length = head[1] & 0x7F
    if length < _SHORT:
        return length
    longer = int.from_bytes(head[2:4] if length == _SHORT else head[2:10], "big")
    return longer if longer >= (_SHORT if length == _SHORT else 1 << 16) else math.inf
