"""What a command reads: files, standard input, and secrets that nobody else may see."""

import sys
from pathlib import Path

import typer

from moorage.cli.failures import UsageError


def content(name: str | Path) -> bytes:
    """The bytes of a file, or of standard input for `-`. Raises UsageError."""
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"The file {name} can't be read: {error.strerror}") from error


def text(name: str | Path, *, otherwise: str | None = None) -> str:
    """The same as text. Raises UsageError, with the advice `otherwise`, if it is not UTF-8."""
    try:
        return content(name).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"The file {name} is not text in UTF-8", help=otherwise) from error


def secret(prompt: str, *, confirmed: bool = False) -> str:
    """A secret that a person types unseen, twice if `confirmed`; without a terminal, a line of standard input.

    No option takes a secret, because all users of a machine can read each other's command lines.
    """
    if sys.stdin.isatty():
        return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=confirmed, err=True))
    return sys.stdin.readline().rstrip("\r\n")
