"""`moorage backup`: everything in one sealed file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from moorage.cli.failures import UsageError
from moorage.cli.operator import operate
from moorage.cli.options import Home, Json, Yes
from moorage.cli.output import Steps, confirm, print_json, require_writable_place
from moorage.cli.passphrases import PassphraseFile, new_passphrase, new_recovery_key, passphrase_of

if TYPE_CHECKING:
    from moorage.operator import Operator
    from moorage.operator.backups.archive import Contents

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]
RecoveryKey = Annotated[
    bool,
    typer.Option("--recovery-key", help="Seal it with a new key, which is printed once, and no passphrase."),
]
WithoutRequests = Annotated[
    bool, typer.Option("--without-requests", help="Leave the request log out, which may be long.")
]
Check = Annotated[bool, typer.Option("--check", help="Make none, but check one: read all of it.")]


def backup(
    file: File,
    *,
    check: Check = False,
    passphrase_file: PassphraseFile = None,
    recovery_key: RecoveryKey = False,
    without_requests: WithoutRequests = False,
    yes: Yes = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Copy everything to one encrypted file, also while servers run; or check such a file."""
    if check:
        if recovery_key or without_requests:
            raise UsageError("--check takes neither --recovery-key nor --without-requests")
        _check(file, passphrase_file, as_json=as_json)
        return
    if recovery_key and passphrase_file is not None:
        raise UsageError("Name --passphrase-file or --recovery-key, not both")
    require_writable_place(file)
    if file.exists():
        confirm(f"Overwrite {file}?", yes=yes)
    passphrase = new_recovery_key() if recovery_key else new_passphrase(passphrase_file)
    steps = Steps(silent=as_json)

    async def act(operator: "Operator") -> "Contents":
        return await operator.back_up(
            file.absolute(), passphrase, with_requests=not without_requests, tell=steps.tell
        )

    contents = operate(home, act)
    key = {"recovery_key": passphrase} if recovery_key else {}
    if as_json:
        print_json({"file": str(file), **_document(contents), **key})
        return
    typer.echo(f"Saved everything in {file}: {_summary(contents)}")
    if recovery_key:
        typer.echo(
            f"The recovery key, shown this once; without it nobody can open the file:\n\n  {passphrase}\n"
        )


def _check(file: Path, passphrase_file: Path | None, *, as_json: bool) -> None:
    # Imported here, because it loads slowly.
    from moorage.operator.backups.archive import check  # noqa: PLC0415

    contents = check(file, passphrase_of(passphrase_file), Steps(silent=as_json).tell)
    if as_json:
        print_json({"file": str(file), **_document(contents)})
    else:
        typer.echo(f"{file} is whole: {_summary(contents)}")


def _document(contents: "Contents") -> dict[str, Any]:
    parts = [{"name": part.name, "bytes": part.bytes, "sha256": part.sha256} for part in contents.parts]
    return {**contents.about, "organisations": contents.organisations, "parts": parts}


def _summary(contents: "Contents") -> str:
    size = sum(part.bytes for part in contents.parts)
    count = len(contents.organisations)
    organisations = "1 organisation" if count == 1 else f"{count} organisations"
    made = f"made at {contents.about['made_at']} by Moorage {contents.about['version']}"
    return f"{organisations}, {size / 1e6:.1f} MB, {made}."
