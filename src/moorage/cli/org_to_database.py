"""`moorage crm org move` to the URL of another database."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from moorage.cli.failures import UsageError
from moorage.cli.operator import operate
from moorage.cli.output import confirm, print_json
from moorage.cli.target import target_url
from moorage.settings.databases import crm_database

if TYPE_CHECKING:
    from moorage.operator import Operator


def move_to_database(
    slug: str, target: str, *, dry_run: bool, yes: bool, home: Path | None, as_json: bool
) -> None:
    if not dry_run:
        confirm(f"Move organisation {slug}? It is used at its new place only.", yes=yes)

    def tell(step: str) -> None:
        if not as_json:
            typer.echo(step, err=True)

    async def act(operator: "Operator") -> None:
        await operator.move_organisation(slug, target, tell, dry_run=dry_run)

    operate(home, act)
    if as_json:
        print_json({"moved": slug, "dry_run": dry_run})
    elif dry_run:
        typer.echo(f"Organisation {slug} can be moved. Nothing of it was changed.")
    else:
        typer.echo(
            f"Moved organisation {slug}. A server with that MOORAGE_CRM_DATABASE_URL answers its clients from now on."
        )


def named_database(to: str | None, to_file: Path | None) -> str | None:
    """The URL that `--to` or `--to-file` names; None if `--to` names a server. Raises UsageError."""
    if (to is None) == (to_file is None):
        raise UsageError("Name the server or the database to move to, by --to or by --to-file")
    if to is not None and "://" not in to:
        return None
    return target_url(to, to_file, crm_database, what="the database to move to")
