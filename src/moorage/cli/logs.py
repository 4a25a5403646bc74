"""`moorage logs`: shows the log of a server in the background."""

import json
import sys
from collections.abc import Iterable
from time import sleep
from typing import Annotated, NoReturn

import typer

from moorage.cli import context
from moorage.cli.failures import Exit
from moorage.cli.options import Home, Json
from moorage.errors import MoorageError
from moorage.logs import TerminalForm
from moorage.serve.data_folder import read_note
from moorage.serve.log_file import LogReader
from moorage.settings import Settings

_PAUSE = 0.2  # Seconds between two looks for new lines.

Number = Annotated[
    int, typer.Option("-n", "--lines", metavar="NUMBER", min=0, help="How many of the last lines to show.")
]
Follow = Annotated[bool, typer.Option("-f", "--follow", help="Show new lines, too, until Ctrl-C.")]


class LogMissing(MoorageError):
    """No server has written a log into this data folder."""

    code = "log_missing"


def logs(*, lines: Number = 100, follow: Follow = False, home: Home = None, as_json: Json = False) -> None:
    """Show the log of a server that `moorage up --detach` started."""
    settings = context.settings(home)
    try:
        reader = LogReader(settings.home)
    except FileNotFoundError:
        _refuse(settings)
    with reader:
        _show(reader.last(lines), as_json=as_json)
        try:
            while follow:
                sleep(_PAUSE)
                _show(reader.more(), as_json=as_json)
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None


def _refuse(settings: Settings) -> NoReturn:
    if read_note(settings.home) is None:
        raise LogMissing(
            f"There is no log in {settings.home}.",
            help="`moorage up --detach` starts a server that writes one.",
        )
    raise LogMissing(
        f"The server of {settings.home} writes no log into its folder, as it runs without --detach.",
        help="Its log is on the standard error of `moorage up`; for a service of systemd: `journalctl -u moorage`.",
    )


def _show(lines: Iterable[bytes], *, as_json: bool) -> None:
    for line in lines:
        text = line.decode(errors="replace")
        print(text if as_json else _for_people(text), flush=True)


def _for_people(line: str) -> str:
    """An event as a terminal shows it. Other lines, such as those of libraries, stay as they are."""
    try:
        values = json.loads(line)
        time, level, event = (str(values.pop(name)) for name in ("timestamp", "level", "event"))
        error = values.pop("exception", None)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "".join(letter if letter.isprintable() or letter == "\t" else "�" for letter in line)
    return TerminalForm(coloured=sys.stdout.isatty()).text(time, level, event, values, error)
