"""`moorage vault …`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moorage.cli import context
from moorage.cli.failures import UsageError
from moorage.cli.operator import operate, require_folder
from moorage.cli.options import Home, Json, Yes
from moorage.cli.output import confirm, print_json, print_table
from moorage.settings import decode_key

if TYPE_CHECKING:
    from moorage.vault.rotation import Rotated

commands = typer.Typer(help="The keys that stored tokens are encrypted with.", rich_markup_mode=None)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        help="A file that holds the key to rotate to; else one is made.",
        exists=True,
    ),
]


@commands.command()
def status(*, home: Home = None, as_json: Json = False) -> None:
    """Show which keys are live, and how many values each sealed."""
    keys = operate(home, lambda operator: operator.vault_status())
    if as_json:
        print_json({"keys": [asdict(key) for key in keys]})
    else:
        print_table(["KEY", "ROLE", "SECRETS"], [[key.id, key.role, key.secrets] for key in keys])


@commands.command()
def rotate(
    *, key_file: KeyFile = None, dry_run: DryRun = False, home: Home = None, as_json: Json = False
) -> None:
    """Encrypt everything with a new key, while servers run, and retire the old one."""
    new = _key_in(key_file) if key_file is not None else None
    done = operate(home, lambda operator: operator.vault_rotate(new, dry_run=dry_run))
    if as_json:
        print_json(asdict(done) | {"dry_run": dry_run})
    else:
        typer.echo(_told(done, dry_run=dry_run))


@commands.command()
def forget(*, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Where the vault's key is lost: drop what nobody can open. Its connections have to be connected anew."""
    # Deferred like everything that loads the server's rooms.
    from moorage.operator import find_vault_key  # noqa: PLC0415

    settings = context.settings(home)
    require_folder(settings, named=context.is_named(home))
    confirm("Drop every stored secret that the vault's keys given here do not open?", yes=yes)
    find_vault_key(settings)
    count = operate(home, lambda operator: operator.vault_forget())
    if as_json:
        print_json({"forgotten": count})
    else:
        typer.echo(
            f"Dropped {count} secrets. Connections that call for a new sign-in say so, with their url."
        )


def _key_in(file: Path) -> bytes:
    try:
        return decode_key(file.read_text(encoding="ascii").strip())
    except ValueError:
        raise UsageError(
            f"The file {file} holds no key", help="Make one: `openssl rand -base64 32`."
        ) from None


def _told(done: "Rotated", *, dry_run: bool) -> str:
    old = ", ".join(done.retired)
    if dry_run:
        begun = (
            f"The rotation to {done.current} would be ended" if done.resumed else "A new key would be used"
        )
        return f"{begun}: {done.sealed_anew} values encrypted anew, {old} retired. Nothing was done."
    if done.fixed:
        return (
            f"{done.sealed_anew} values encrypted anew with {done.current}. "
            f"Nothing needs {old} any more: take it out of MOORAGE_VAULT_KEY."
        )
    ended = " (that rotation had been begun before)" if done.resumed else ""
    return f"The key is {done.current} now{ended}: {done.sealed_anew} values encrypted anew, {old} retired."
