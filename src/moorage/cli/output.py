"""What commands print on standard output, and the one question they ask."""

import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import typer

from moorage.cli.failures import UsageError


def print_json(value: Any) -> None:
    """One JSON value on one line of standard output, there as soon as this returns."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Aligned columns; None is shown as a dash. At a terminal a line that is too long for it is cut."""
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    lines = [list(header), *(["-" if cell is None else str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        told = "  ".join(cells).rstrip()
        print(told if room is None or len(told) <= room else f"{told[: room - 1]}…")


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if the user wants it. Raises Abort, and UsageError where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"This asks first, and there is no terminal to ask at: {question}", help="Say --yes to answer it."
        )
    typer.confirm(question, abort=True, err=True)
