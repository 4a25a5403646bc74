"""Log lines with an event's name and its values, on standard error: as text if that is a terminal, otherwise as JSON.

A module has `log = Log(__name__)` and writes `log.warning("upstream.unreachable", host=host)`. The lines are records of
the standard library's `logging`, with the values beside them. Libraries log there too, and their warnings become lines
of the same form.
"""

import array
import contextlib
import json
import logging
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

OURS = "moorage"  # The parent of all loggers of Moorage.
VALUES = "event_values"  # The attribute of a record that holds an event's values.
_REPORTED_BY_COMMANDS = "storage.trouble"
# The id of the request that this code works for; every line has it.
REQUEST_ID: ContextVar[str | None] = ContextVar("request id", default=None)

_DIM, _BOLD, _CYAN, _PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[36m", "\x1b[0m"
_COLOURS = {"warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[1;31m"}


class Log:
    """Writes the events of one module. `name` is the module's name, which begins with `moorage`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **values: object) -> None:
        self._write(logging.DEBUG, event, values)

    def info(self, event: str, **values: object) -> None:
        self._write(logging.INFO, event, values)

    @property
    def is_enabled_for_info(self) -> bool:
        return self._logger.isEnabledFor(logging.INFO)

    def info_lines(
        self, lines: bytes, records: Callable[[], Iterable[tuple[str, Mapping[str, object]]]]
    ) -> None:
        """Write many events at once: `lines` in the form of JSON lines; for another form, `records` gives them.

        Nobody waits for who reads them. If that is too slow, some are lost, and the next line says how many.
        """
        if _is_json():
            _unhurried.write(lines)
        else:
            for event, values in records():
                self.info(event, **values)

    def warning(self, event: str, **values: object) -> None:
        self._write(logging.WARNING, event, values)

    def error(self, event: str, *, exc_info: BaseException | None = None, **values: object) -> None:
        """Write an error. With `exc_info`, the line contains its traceback."""
        self._write(logging.ERROR, event, values, exc_info)

    def exception(self, event: str, **values: object) -> None:
        """Write an error with the traceback of the exception that is being handled."""
        self._write(logging.ERROR, event, values, sys.exception())

    def critical(self, event: str, **values: object) -> None:
        self._write(logging.CRITICAL, event, values)

    def _write(
        self, level: int, event: str, values: Mapping[str, object], error: BaseException | None = None
    ) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, exc_info=error, extra={VALUES: values})


def configure_logs(level: str) -> None:
    """Set up the logs of a server: our events from `level` on (debug, info, warning, error), warnings of libraries."""
    at_terminal = sys.stderr.isatty()
    _begin(
        TerminalForm(coloured=at_terminal and not os.environ.get("NO_COLOR")) if at_terminal else JsonForm()
    )
    set_level(level)


def set_level(level: str) -> None:
    """Write our events from this level on."""
    logging.getLogger(OURS).setLevel(level.upper())


def quiet_logs() -> None:
    """Set up the logs of a command: only warnings, and on standard error, as standard output is for the result."""
    handler = _begin(TerminalForm(coloured=False))
    handler.addFilter(lambda record: record.msg != _REPORTED_BY_COMMANDS)
    logging.getLogger(OURS).setLevel(logging.WARNING)


@contextlib.contextmanager
def silent_logs() -> Iterator[None]:
    """Log only critical events of Moorage inside the block."""
    ours = logging.getLogger(OURS)
    before = ours.level
    ours.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        ours.setLevel(before)


def _begin(form: "_Form") -> logging.Handler:
    handler = _StandardError()
    handler.setFormatter(form)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    return handler


class _StandardError(logging.Handler):
    """Writes each line at once. It looks standard error up for each line, because tests replace it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 (code that logs must not fail because the terminal is closed)
            self.handleError(record)


def _is_json() -> bool:
    handlers = logging.getLogger().handlers
    return len(handlers) == 1 and isinstance(handlers[0].formatter, JsonForm)


class _Unhurried:
    """Writes lines to standard error that may be lost, as long as whoever reads them keeps up.

    A pipe that nobody reads would hold up the whole process, with the next line that may not be lost.
    """

    _PIECE = 4096  # Bytes. A pipe that is ready takes so many without a wait [pipe(7)].
    _UNREAD = 32 * 1024  # The half of a pipe. The other half is for lines that may not be lost.

    def __init__(self) -> None:
        self._lost = 0

    def write(self, lines: bytes) -> None:
        if not _is_pipe():
            self._put(lines.decode())
            return
        pieces, piece = [], bytearray()
        for line in lines.splitlines(keepends=True):
            if piece and len(piece) + len(line) > self._PIECE:
                pieces.append(piece)
                piece = bytearray()
            piece += line
        for each in [*pieces, piece]:
            if self._is_ready():
                self._put(each.decode())
            else:
                self._lost += each.count(b"\n")

    def _put(self, text: str) -> None:
        lost, self._lost = self._lost, 0
        if lost:
            Log(__name__).warning("logs.lines_lost", count=lost)
        with contextlib.suppress(OSError, ValueError):  # The other end may be closed.
            sys.stderr.write(text)
            sys.stderr.flush()

    def _is_ready(self) -> bool:
        try:
            import fcntl  # noqa: PLC0415 (Windows has neither of them)
            import termios  # noqa: PLC0415
        except ImportError:
            return True
        unread = array.array("i", [0])
        try:
            fcntl.ioctl(sys.stderr.fileno(), termios.FIONREAD, unread)
        except OSError:  # Another system than Linux may not say it.
            return True
        return unread[0] <= self._UNREAD


_unhurried = _Unhurried()


def _is_pipe() -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(sys.stderr.fileno()).st_mode)
    except (OSError, ValueError):  # It has no descriptor, as in tests.
        return False


class _Form(logging.Formatter):
    """Takes a record apart: time, level, event, values and traceback."""

    def _parts(self, record: logging.LogRecord) -> tuple[str, str, str, Mapping[str, Any], str | None]:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        error = self.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else None
        values = getattr(record, VALUES, {})
        request_id = REQUEST_ID.get()
        if request_id is not None:
            values = {"request_id": request_id, **values}
        return f"{time[:-6]}Z", record.levelname.lower(), record.getMessage(), values, error


class JsonForm(_Form):
    """One JSON object a line: `event`, its values, `level`, `timestamp`, and the traceback as `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        time, level, event, values, error = self._parts(record)
        document = {"event": event, **values, "level": level, "timestamp": time}
        if error is not None:
            document["exception"] = error
        return json.dumps(document, default=repr)


class TerminalForm(_Form):
    """Time, level, event and `name=value` for each of its values. The traceback follows on its own lines."""

    def __init__(self, *, coloured: bool) -> None:
        super().__init__()
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        return self.text(*self._parts(record))

    def text(self, time: str, level: str, event: str, values: Mapping[str, Any], error: str | None) -> str:
        """The form of an event's parts."""
        words = [self._in(_DIM, time), self._in(_COLOURS.get(level, ""), f"[{level:<8}]")]
        words.append(self._in(_BOLD, _printable(event)))
        words += [f"{self._in(_CYAN, name)}={_shown(value)}" for name, value in values.items()]
        line = " ".join(words)
        return line if error is None else f"{line}\n{_printable(error)}"

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if colour and self._coloured else text


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    is_plain = text.isprintable() and not set(text) & set(" ='\"")
    return text if (is_plain and text) or not isinstance(value, str) else repr(text)


def _printable(text: str) -> str:
    """The text with control characters escaped. A traceback may hold a stranger's text with commands to a terminal."""
    return "".join(
        character if character.isprintable() or character == "\n" else repr(character)[1:-1]
        for character in text
    )
