"""`moorage crm org move`: an organisation to another server."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moorage.cli.completion import organisations
from moorage.cli.operator import operate
from moorage.cli.options import Home, Json, Yes
from moorage.cli.org_to_database import move_to_database, named_database
from moorage.cli.output import print_json
from moorage.cli.target import ToFile

if TYPE_CHECKING:
    from moorage.operator import Operator

STEPS = {
    "begun": "Writes are followed from now on",
    "tables": "Tables are made",
    "rows": "Rows are copied",
    "changes": "What has changed meanwhile is copied",
    "indexes": "Indexes are made",
    "rounds": "What has changed meanwhile is copied",
    "once more": "Fields were changed: it begins again",
    "last changes": "Writes are held up, and the last changes copied",
    "handed over": "The copy is whole",
    "arrived": "It is used at its new place",
    "stopped": "It stays where it is",
    "removed": "What was left behind is removed",
}

To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="SERVER",
        help="A name in MOORAGE_CRM_SERVERS, or main; or the URL of another database.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only check the servers, and say how much there is to copy.")
]


def move(
    slug: Annotated[
        str,
        typer.Argument(metavar="SLUG", autocompletion=organisations, help="The organisation's short name."),
    ],
    *,
    to: To = None,
    to_file: ToFile = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Move an organisation to another PostgreSQL server while it is used, or with its clients to another database."""
    database = named_database(to, to_file)
    if database is None:
        _to_server(slug, to or "", dry_run=dry_run, home=home, as_json=as_json)
    else:
        move_to_database(slug, database, dry_run=dry_run, yes=yes, home=home, as_json=as_json)


def _to_server(slug: str, to: str, *, dry_run: bool, home: Path | None, as_json: bool) -> None:

    async def act(operator: "Operator") -> tuple[int, int]:
        size = await operator.organisations.check_move(slug, to)
        if not dry_run:
            await operator.organisations.move(slug, to, _Progress(as_json=as_json))
        return size

    rows, size = operate(home, act)
    if as_json:
        print_json({"moved": slug, "server": to, "rows": rows, "bytes": size, "dry_run": dry_run})
    elif dry_run:
        megabytes = f"{size / 1e6:.1f} MB"
        typer.echo(f"{slug} can move to {to}: about {rows} rows, {megabytes}. Nothing was changed.")
    else:
        typer.echo(f"Moved organisation {slug} to {to}")


class _Progress:
    """Prints each step once, and every second how many rows are copied: as JSON, or at a terminal."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._step = ""
        self._printed = 0.0

    def __call__(self, step: str, done: int, expected: int) -> None:
        if step not in STEPS:
            return
        is_new, now = step != self._step, time.monotonic()
        if not is_new and (now - self._printed < 1 or not (self._as_json or sys.stderr.isatty())):
            return
        self._step, self._printed = step, now
        if self._as_json:
            print_json({"step": step, "rows": done, "of": expected})
        elif is_new:
            typer.echo(STEPS[step], err=True)
        else:
            typer.echo(f"{STEPS[step]}: {done} of about {expected}", err=True)
