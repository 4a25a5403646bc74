"""Memory that all workers of a server share, with the latest numbers of each."""

import mmap
import struct
import zlib

_HEADER = struct.Struct(
    "<QII"
)  # How often the place was written, and the length and the CRC-32 of what is there.
_ROOM = 256 * 1024  # Bytes of each half of a place. Memory that nothing was written to is not taken.


class Places:
    """One place for each worker. It is made before they are forked from this process."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._memory = mmap.mmap(-1, count * 2 * _ROOM)

    def of(self, worker: int) -> "Place":
        return Place(self._memory, worker, self._count)


class Place:
    """The place of one worker, which alone writes there, and its look at the others.

    It writes to both halves in turn. So a half that is just being written, or whose writer was killed, leaves the
    other one to read.
    """

    def __init__(self, memory: mmap.mmap, worker: int, count: int) -> None:
        self._memory = memory
        self._others = [other for other in range(count) if other != worker]
        self.worker = worker
        self._version, self._left = self._newest(worker)

    @property
    def is_alone(self) -> bool:
        return not self._others

    def left(self) -> bytes | None:
        """What the last worker at this place has left."""
        return self._left

    def write(self, content: bytes) -> bool:
        """False if it is too long: then what was written before stays."""
        if len(content) > _ROOM - _HEADER.size:
            return False
        self._version += 1
        start = self._start(self.worker, self._version % 2)
        header = _HEADER.pack(self._version, len(content), zlib.crc32(content))
        self._memory[start : start + len(header) + len(content)] = header + content
        return True

    def others(self) -> list[bytes]:
        """The newest that each other worker has written."""
        newest = [self._newest(worker)[1] for worker in self._others]
        return [content for content in newest if content is not None]

    def _newest(self, worker: int) -> tuple[int, bytes | None]:
        return max((self._half(worker, half) for half in range(2)), key=lambda found: found[0])

    def _half(self, worker: int, half: int) -> tuple[int, bytes | None]:
        start = self._start(worker, half)
        version, length, check = _HEADER.unpack_from(self._memory, start)
        begin = start + _HEADER.size
        content = self._memory[begin : begin + length] if length <= _ROOM - _HEADER.size else b""
        is_whole = version and len(content) == length and zlib.crc32(content) == check
        return (version, content) if is_whole else (0, None)

    @staticmethod
    def _start(worker: int, half: int) -> int:
        return (worker * 2 + half) * _ROOM
