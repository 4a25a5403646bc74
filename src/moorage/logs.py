"""Log lines: an event's name and its values, on standard error; readable at a terminal, JSON anywhere else.

A module has `log = Log(__name__)` and writes `log.warning("upstream.unreachable", host=host)`. The lines are records of
the standard library's `logging`, with the values beside them. Libraries log there too, and their warnings become lines
of the same form.
"""

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

OURS = "moorage"  # The logger above all of ours.
VALUES = "event_values"  # The attribute of a record that holds an event's values.
_TOLD_BY_THE_COMMAND = "storage.trouble"

_DIM, _BOLD, _CYAN, _PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[36m", "\x1b[0m"
_COLOURS = {"warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[1;31m"}


class Log:
    """Writes the events of one module. `name` is the module's, so that each line belongs to `moorage`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **values: object) -> None:
        self._write(logging.DEBUG, event, values)

    def info(self, event: str, **values: object) -> None:
        self._write(logging.INFO, event, values)

    def warning(self, event: str, **values: object) -> None:
        self._write(logging.WARNING, event, values)

    def error(self, event: str, *, exc_info: BaseException | None = None, **values: object) -> None:
        """With `exc_info`, the error's traceback is a part of the line."""
        self._write(logging.ERROR, event, values, exc_info)

    def exception(self, event: str, **values: object) -> None:
        """As `error`, with the traceback of the exception that is being handled."""
        self._write(logging.ERROR, event, values, sys.exception())

    def critical(self, event: str, **values: object) -> None:
        self._write(logging.CRITICAL, event, values)

    def _write(
        self, level: int, event: str, values: Mapping[str, object], error: BaseException | None = None
    ) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, exc_info=error, extra={VALUES: values})


def configure_logs(level: str) -> None:
    """The logs of a server: our lines from `level` on (debug, info, warning, error), and warnings of libraries."""
    at_terminal = sys.stderr.isatty()
    _begin(
        TerminalForm(coloured=at_terminal and not os.environ.get("NO_COLOR")) if at_terminal else JsonForm()
    )
    logging.getLogger(OURS).setLevel(level.upper())


def quiet_logs() -> None:
    """The logs of a command: only warnings, on standard error, because standard output is for the result."""
    lines = _begin(TerminalForm(coloured=False))
    # The command itself reports a database in trouble.
    lines.addFilter(lambda record: record.msg != _TOLD_BY_THE_COMMAND)
    logging.getLogger(OURS).setLevel(logging.WARNING)


@contextlib.contextmanager
def silent_logs() -> Iterator[None]:
    """Log nothing of ours until the block ends, but what is critical."""
    ours = logging.getLogger(OURS)
    before = ours.level
    ours.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        ours.setLevel(before)


def _begin(form: "_Form") -> logging.Handler:
    lines = _Lines()
    lines.setFormatter(form)
    logging.basicConfig(handlers=[lines], level=logging.WARNING, force=True)
    return lines


class _Lines(logging.Handler):
    """Writes each line at once and whole. Standard error is looked up each time, because it may be replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 (whoever logs must not fail because the terminal is gone)
            self.handleError(record)


class _Form(logging.Formatter):
    """Gives a record's time, level, event, values and traceback."""

    def _parts(self, record: logging.LogRecord) -> tuple[str, str, str, Mapping[str, Any], str | None]:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        error = self.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else None
        values = getattr(record, VALUES, {})
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
    """The time, the level, the event and `name=value` for each of its values; the traceback on lines of its own."""

    def __init__(self, *, coloured: bool) -> None:
        super().__init__()
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        time, level, event, values, error = self._parts(record)
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
    """With what a terminal would take for a command shown instead: texts of strangers may stand in tracebacks."""
    return "".join(
        character if character.isprintable() or character == "\n" else repr(character)[1:-1]
        for character in text
    )
