"""What a test has logged, line by line."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from moorage.logs import OURS, VALUES


class _Kept(logging.Handler):
    def __init__(self, lines: list[dict[str, Any]]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        values = getattr(record, VALUES)
        error = {"exc_info": record.exc_info[1]} if record.exc_info else {}
        self._lines.append({**values, **error, "event": record.msg, "log_level": record.levelname.lower()})


@contextlib.contextmanager
def capture_logs() -> Iterator[list[dict[str, Any]]]:
    """The events of Moorage that are logged inside the block, at whatever level; they appear nowhere else."""
    lines: list[dict[str, Any]] = []
    ours, kept = logging.getLogger(OURS), _Kept(lines)
    before = ours.level, ours.propagate
    ours.addHandler(kept)
    ours.setLevel(logging.DEBUG)
    ours.propagate = False
    try:
        yield lines
    finally:
        ours.removeHandler(kept)
        ours.level, ours.propagate = before
