"""`moorage move`: databases to another place."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moorage.cli import context
from moorage.cli.failures import UsageError
from moorage.cli.operator import operate, require_folder
from moorage.cli.options import Home, Json
from moorage.cli.output import print_json
from moorage.cli.target import ToFile, target_url
from moorage.serve.data_folder import locked
from moorage.settings.databases import database, has_password, is_postgresql

if TYPE_CHECKING:
    from moorage.operator import Operator
    from moorage.settings import Settings

commands = typer.Typer(help="Databases, to another place.", rich_markup_mode=None)

To = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="URL", help="A PostgreSQL database or a SQLite file, as MOORAGE_DATABASE_URL."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what the command would do.")]


@commands.callback()
def _group() -> None:
    """Keep `control` a word of its own: Typer would leave out the name of a group's only command."""


@commands.command()
def control(
    *,
    to: To = None,
    to_file: ToFile = None,
    dry_run: DryRun = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Copy the control database, with keys, connections and tokens, to PostgreSQL or to SQLite. No server may run."""
    target = _target(to, to_file)
    settings = context.settings(home)
    require_folder(settings, named=context.is_named(home))
    copied: dict[str, int] = {}

    def on_table(table: str, rows: int) -> None:
        copied[table] = rows
        if not as_json:
            typer.echo(f"{table}: {rows} {'row' if rows == 1 else 'rows'}", err=True)

    async def act(operator: "Operator") -> None:
        await operator.move_control(target, on_table, dry_run=dry_run)

    with locked(settings.home):  # No server runs on this folder, and none can start.
        operate(home, act)
    if as_json:
        print_json({"rows": copied, "dry_run": dry_run})
    elif dry_run:
        typer.echo(f"The target is empty. {sum(copied.values())} rows would be copied. Nothing was changed.")
    else:
        typer.echo(_next_steps(settings, target, to_file, sum(copied.values())))


def _target(to: str | None, to_file: Path | None) -> str:
    if (to is None) == (to_file is None):
        raise UsageError("Name the database to copy to, by --to or by --to-file")
    return target_url(to, to_file, database, what="the database to copy to")


def _next_steps(settings: "Settings", target: str, to_file: Path | None, rows: int) -> str:
    """What the operator has to do now. It shows no password."""
    if to_file is not None:
        setting = f"MOORAGE_DATABASE_URL_FILE={to_file.absolute()}"
    elif has_password(target):
        setting = (
            "MOORAGE_DATABASE_URL to the URL that you named, or MOORAGE_DATABASE_URL_FILE to a file with it"
        )
    else:
        setting = f"MOORAGE_DATABASE_URL={target}"
    lines = [
        f"Copied {rows} rows. The old database stays as it is.",
        f"Before servers start again, set {setting}.",
    ]
    if settings.vault_key is not None:
        lines.append("MOORAGE_VAULT_KEY has to stay as it is.")
    elif is_postgresql(target):
        lines.append(
            f"Set MOORAGE_VAULT_KEY_FILE={settings.home / 'vault.key'}, too: the tokens need the same key."
        )
    return "\n".join(lines)
