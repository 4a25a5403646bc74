"""Prints the results of commands, and asks before an action that can't be undone."""

import json
import os
import re
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from moorage.cli.failures import UsageError

_GAP = "  "  # Between columns.
_INDENT = 4  # The indentation of a row's further lines.
# The words of states, in the colours that they have at a terminal.
_COLOURS = {
    **dict.fromkeys(("ACTIVE", "active", "approved", "sent", "yes"), "green"),
    **dict.fromkeys(("PENDING", "waiting", "expired", "sandbox"), "yellow"),
    **dict.fromkeys(("FAILED", "failed", "declined", "revoked", "live", "LIVE"), "red"),
}
_STATE = re.compile(rf"(?<!\S)(?:{'|'.join(_COLOURS)})(?!\S)")
_MIN_BROKEN = 20  # A cell may take several lines if each of them has this many characters.


def print_json(value: Any) -> None:
    """Print a JSON value on one line of standard output, and flush it."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def counted(count: int, what: str) -> str:
    """`1 record`, `2 records`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print aligned columns. None is a dash. At a terminal, long rows continue on the next line."""
    lines = [list(header), *(["-" if cell is None else str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    room = _room()
    parts = [range(len(widths))] if room is None else list(_parts(widths, room))
    for line in lines:
        for part in parts:
            start = _INDENT if part[0] else 0
            text = _GAP.join(line[column].ljust(widths[column]) for column in part).rstrip()
            if text or not start:
                _print_within(room, start, text, sum(widths[column] + len(_GAP) for column in part[:-1]))


def print_facts(facts: Mapping[str, object]) -> None:
    """Print names and values, one on each line. What is None is left out."""
    width = max(map(len, facts))
    for name, value in facts.items():
        if value is not None:
            typer.echo(f"{name:{width}}  {value}")


def second(time: str) -> str:
    """A time of the API to the second, as tables show it."""
    return time.partition(".")[0].replace("T", " ")


def coloured(text: str) -> str:
    """A line of a table with its states in colour, unless NO_COLOR is set."""
    if os.environ.get("NO_COLOR"):
        return text
    return _STATE.sub(lambda state: typer.style(state[0], fg=_COLOURS[state[0]]), text)


def _room() -> int | None:
    """The width of the terminal in characters; None if the output is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _parts(widths: Sequence[int], room: int) -> Iterator[range]:
    """The columns that share a line. Cells of the last column may take several lines."""
    first, used = 0, 0
    for column, width in enumerate(widths):
        least = min(width, _MIN_BROKEN) if column == len(widths) - 1 else width
        if column > first and used + least > room:
            yield range(first, column)
            first, used = column, _INDENT
        used += width + len(_GAP)
    yield range(first, len(widths))


def _print_within(room: int | None, start: int, text: str, last: int) -> None:
    """Print a line from the column `start` on.

    The cell that begins `last` characters later may continue below itself.
    """
    if room is None or start + len(text) <= room:
        print(f"{'':{start}}{coloured(text) if room is not None else text}")
        return
    first, rest = text[:last], text[last:]
    wide = max(room - start - last, 1)
    for line in textwrap.wrap(rest, wide, break_on_hyphens=False, break_long_words=False) or [""]:
        for at in range(0, max(len(line), 1), wide):
            print(f"{'':{start}}{first}{line[at : at + wide]}".rstrip())
            first = " " * last


def require_writable_place(file: Path) -> None:
    """Raises UsageError if no file can be made there."""
    if file.is_dir():
        raise UsageError(f"{file} is a folder", help="Name a file in it.")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {file.absolute().parent}", help="Create the folder first.")


class Steps:
    """Shows on standard error what a command does, once it has taken a second."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._began = time.monotonic()

    def tell(self, step: str) -> None:
        if not self._silent and time.monotonic() - self._began > 1:
            print(f"… {step}", file=sys.stderr, flush=True)


def confirm(question: str, *, yes: bool) -> None:
    """Ask the user for a confirmation. Raises Abort if the answer is no, and UsageError if there is no terminal."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"This command needs a confirmation, but there is no terminal to ask: {question}",
            help="To answer with yes, add --yes.",
        )
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        print(file=sys.stderr)  # The next message begins on a new line.
        raise
    if not agreed:
        raise typer.Abort
