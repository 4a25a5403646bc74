"""`moorage restore`: puts back what `moorage backup` has saved."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from moorage.cli import context
from moorage.cli.backup import File
from moorage.cli.failures import UsageError, note
from moorage.cli.options import Home, Json, Yes
from moorage.cli.output import Steps, confirm, print_json
from moorage.cli.passphrases import PassphraseFile, passphrase_of
from moorage.serve.data_folder import locked, prepare
from moorage.settings.databases import is_postgresql

if TYPE_CHECKING:
    from moorage.settings import Settings

Replace = Annotated[
    bool,
    typer.Option("--replace", help="Also if there is something already; it is kept in a folder beside."),
]


def restore(
    file: File,
    *,
    replace: Replace = False,
    passphrase_file: PassphraseFile = None,
    yes: Yes = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty data folder, or into empty databases in PostgreSQL. No server may run."""
    # Imported here, because the rooms load slowly.
    from moorage.logs import quiet_logs  # noqa: PLC0415
    from moorage.operator import restore_backup  # noqa: PLC0415

    quiet_logs()
    if not file.is_file():
        raise UsageError(f"There is no file {file}", help="`moorage backup` makes a backup.")
    settings = context.settings(home)
    context.require_databases(settings)
    if replace:
        confirm(f"Replace everything in {settings.home} by {file}?", yes=yes)
    passphrase = passphrase_of(passphrase_file)
    prepare(settings.home)
    steps = Steps(silent=as_json)
    with locked(settings.home) as has_completed:
        if has_completed:
            note("An earlier restore was interrupted; it is complete now.")
        work = restore_backup(settings, file.absolute(), passphrase, replaces=replace, tell=steps.tell)
        contents, kept = asyncio.run(work)
    if as_json:
        document = {
            "home": str(settings.home),
            "made_at": contents.about["made_at"],
            "kept": kept and str(kept),
        }
        print_json({"restored": str(file), **document, "organisations": contents.organisations})
        return
    typer.echo(f"Restored {settings.home} to its state of {contents.about['made_at']}.")
    if kept is not None:
        typer.echo(f"What was there before is in {kept}. Remove it when the server works.")
    _advise(settings)


def _advise(settings: "Settings") -> None:
    if is_postgresql(settings.database_url) and settings.vault_key is None:
        typer.echo(f"Before a server starts, set MOORAGE_VAULT_KEY_FILE={settings.home / 'vault.key'}")
    if (settings.home / "moorage.toml.restored").exists():
        typer.echo(
            f"The settings of the backup are in {settings.home / 'moorage.toml.restored'}, and not in use."
        )
