"""What commands print on standard output, and the question before an action that can't be undone."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from moorage.cli.failures import UsageError

_GAP = "  "  # Between columns.
_INDENT = 4  # Of a row's further lines.
_BROKEN = 20  # A cell is broken only if it has at least so much room.


def print_json(value: Any) -> None:
    """Print a JSON value on one line of standard output, and flush it."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print aligned columns. None is shown as a dash. At a terminal, long rows continue on the next line."""
    lines = [list(header), *(["-" if cell is None else str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    room = _room()
    parts = [range(len(widths))] if room is None else list(_parts(widths, room))
    for line in lines:
        for part in parts:
            start = _INDENT if part[0] else 0
            told = _GAP.join(line[column].ljust(widths[column]) for column in part).rstrip()
            if told or not start:
                _print_within(room, start, told, sum(widths[one] + len(_GAP) for one in part[:-1]))


def _room() -> int | None:
    """How many characters a line of the terminal has; None if the output is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _parts(widths: Sequence[int], room: int) -> Iterator[range]:
    """The columns that share a line. Cells of the last column may be broken."""
    first, used = 0, 0
    for column, width in enumerate(widths):
        least = min(width, _BROKEN) if column == len(widths) - 1 else width
        if column > first and used + least > room:
            yield range(first, column)
            first, used = column, _INDENT
        used += width + len(_GAP)
    yield range(first, len(widths))


def _print_within(room: int | None, start: int, told: str, last: int) -> None:
    """Print a line from the column `start` on.

    The cell that begins `last` characters later may continue below itself.
    """
    if room is None or start + len(told) <= room:
        print(f"{'':{start}}{told}")
        return
    first, rest = told[:last], told[last:]
    wide = max(room - start - last, 1)
    for line in textwrap.wrap(rest, wide, break_on_hyphens=False, break_long_words=False) or [""]:
        for at in range(0, max(len(line), 1), wide):
            print(f"{'':{start}}{first}{line[at : at + wide]}".rstrip())
            first = " " * last


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if the user agrees. Raises Abort, and UsageError if nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"This asks first, and there is no terminal to ask at: {question}", help="Say --yes to answer it."
        )
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        print(file=sys.stderr)  # The next message begins on a new line.
        raise
    if not agreed:
        raise typer.Abort
