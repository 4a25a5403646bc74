"""`moorage vault`: the keys that encrypt stored secrets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import asdict

from moorage.cli import context
from moorage.cli.failures import UsageError
from moorage.cli.operator import operate, require_folder
from moorage.cli.options import Home, Json, Yes
from moorage.cli.output import confirm, print_json, print_table
from moorage.settings.readers import decode_key

if TYPE_CHECKING:
    from moorage.vault.rotation import Rotated

commands = typer.Typer(help="The keys that stored tokens are encrypted with.", rich_markup_mode=None)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what the command would do.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        help="A file with the new key. Default: makes a key.",
        exists=True,
    ),
]


@commands.command()
def status(*, home: Home = None, as_json: Json = False) -> None:
    """Show the keys, and how many values each has encrypted."""
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
        typer.echo(_summary(done, dry_run=dry_run))


@commands.command()
def forget(*, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """If the vault key is lost: delete the secrets that it encrypted. Their connections have to be connected again."""
    # Imported here, because the rooms load slowly.
    from moorage.operator import find_vault_key  # noqa: PLC0415

    settings = context.settings(home)
    require_folder(settings, named=context.is_named(home))
    confirm("Delete every stored secret that the present vault keys do not decrypt?", yes=yes)
    find_vault_key(settings)
    count = operate(home, lambda operator: operator.vault_forget())
    if as_json:
        print_json({"forgotten": count})
    else:
        typer.echo(f"Deleted {count} secrets. Connections that need a new sign-in say so, with their url.")


def _key_in(file: Path) -> bytes:
    try:
        return decode_key(file.read_text(encoding="ascii").strip())
    except ValueError:
        raise UsageError(
            f"The file {file} holds no key", help="Make a key: `openssl rand -base64 32`."
        ) from None


def _summary(done: "Rotated", *, dry_run: bool) -> str:
    old = ", ".join(done.retired)
    if dry_run:
        plan = (
            f"The rotation to {done.current} would be completed"
            if done.resumed
            else "A new key would be used"
        )
        return f"{plan}: {done.sealed_anew} values encrypted again, {old} retired. Nothing was done."
    if done.fixed:
        return (
            f"{done.sealed_anew} values encrypted again with {done.current}. "
            f"{old} is not needed any more: remove it from MOORAGE_VAULT_KEY."
        )
    resumed = " (this completed an earlier rotation)" if done.resumed else ""
    return (
        f"The key is {done.current} now{resumed}: {done.sealed_anew} values encrypted again, {old} retired."
    )
