"""Access lines: a line of the process log for each call that went through the gateway."""

from datetime import UTC, datetime
from time import time

import msgspec

from moorage.logs import Log
from moorage.requests.blocks import NewBlock, notes_of
from moorage.requests.notes import Note

EVENT = "request.ended"
MOST = (
    500  # Lines a second. More would cost calls more than they tell anybody; the request log has all of them.
)


class _Line(msgspec.Struct, gc=False, omit_defaults=True):
    """Its members are those of every line (`logs.JsonForm`), and what a note says."""

    event: str
    request_id: str
    key: str
    connection: str | None
    app: str
    method: str
    path: str
    status: int
    source: str
    error: str | None
    verdict: str | None
    duration_ms: float
    app_ms: float
    level: str
    timestamp: datetime
    trace: str | None = None


_encode = msgspec.json.Encoder().encode_lines


class AccessLines:
    """Writes access lines at the level info, many at once: a record for each would cost ten times as much."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._second = (
            0  # Of the last lines, since the epoch, with the number of lines that it may still have.
        )
        self._room = MOST
        self._left_out = 0

    @property
    def are_wanted(self) -> bool:
        return self._log.is_enabled_for_info

    def write(self, block: NewBlock, epoch: int) -> None:
        """Write a line for each call of a block. `epoch` is as in `store.blocks`."""
        now = int(time())
        if now != self._second:
            self._second, self._room = now, MOST
            if self._left_out:
                self._log.info("request.lines_left_out", count=self._left_out)
                self._left_out = 0
        notes = notes_of(block.content)[: self._room] if self._room else ()
        self._room -= len(notes)
        self._left_out += block.count - len(notes)
        lines = [_line(note, epoch / 1_000_000) for note in notes]
        self._log.info_lines(_encode(lines), lambda: map(_values, lines))


def _line(note: Note, epoch: float) -> _Line:
    caller = note.caller
    app_ms = (note.answered_at - note.sent_at) * 1000 if note.answered_at else 0.0
    return _Line(
        EVENT,
        note.request_id.decode("ascii"),
        caller.key_id,
        caller.connection_id,
        caller.app,
        note.method.decode("latin-1"),
        note.native.decode("ascii"),
        note.status,
        note.source,
        note.error,
        note.verdict,
        round((note.ended - note.began) * 1000, 3),
        round(app_ms, 3),
        "info",
        datetime.fromtimestamp(epoch + note.ended, UTC),
        note.trace,
    )


def _values(line: _Line) -> tuple[str, dict[str, object]]:
    values = msgspec.structs.asdict(line)
    for name in ("level", "timestamp"):
        del values[name]
    if line.trace is None:
        del values["trace"]
    return values.pop("event"), values
