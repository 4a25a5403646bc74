"""The passphrases of backups: where a command finds them, and how a recovery key looks."""

import base64
import os
import re
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from moorage.cli.failures import UsageError
from moorage.settings import read_secret, reason

VARIABLE = "MOORAGE_BACKUP_PASSPHRASE"
SHORTEST = 12  # Characters of a new passphrase. Whoever has the file can try as many as they like.
_RECOVERY_KEY = re.compile("[A-Z2-7]{32}")

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help=f"A file with the passphrase. Default: {VARIABLE}, or a question.",
        show_default=False,
    ),
]


def new_recovery_key() -> str:
    """160 random bits, in groups that people can copy."""
    return _in_groups(base64.b32encode(secrets.token_bytes(20)).decode())


def new_passphrase(file: Path | None) -> str:
    """A passphrase for a new backup. Raises UsageError if it is short, or if there is none."""
    passphrase = _found(file)
    if passphrase is None:
        passphrase = _asked("A passphrase for the backup", confirmed=True)
    if len(passphrase) < SHORTEST:
        raise UsageError(
            f"The passphrase has fewer than {SHORTEST} characters",
            help="Use a longer one, or --recovery-key.",
        )
    return passphrase


def passphrase_of(file: Path | None) -> str:
    """The passphrase or recovery key of a backup that there is. Raises UsageError if there is none."""
    passphrase = _found(file)
    return _asked("The passphrase or recovery key of the backup") if passphrase is None else passphrase


def _found(file: Path | None) -> str | None:
    if file is None:
        text = os.environ.get(VARIABLE) or None
        return None if text is None else _plain(text)
    try:
        text = read_secret(str(file))
    except (OSError, ValueError) as error:
        raise UsageError(f"--passphrase-file: {reason(error)}") from error
    if not text:
        raise UsageError(f"--passphrase-file: {file} is empty")
    return _plain(text)


def _asked(question: str, *, confirmed: bool = False) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            "There is no passphrase, and no terminal to ask at",
            help=f"Set {VARIABLE}, or name a file with --passphrase-file.",
        )
    text: str = typer.prompt(question, hide_input=True, confirmation_prompt=confirmed, err=True)
    return _plain(text)


def _plain(text: str) -> str:
    """A recovery key as it was printed, however it was typed. Other passphrases stay as they are."""
    letters = text.replace("-", "").replace(" ", "").strip().upper()
    if _RECOVERY_KEY.fullmatch(letters):
        return _in_groups(letters)
    return text


def _in_groups(text: str) -> str:
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))
