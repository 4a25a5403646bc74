"""What a command reads: files that it is named, standard input, and secrets that nobody else may see."""

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
    """The same as text. Raises UsageError, with what to do `otherwise` if it is none."""
    try:
        return content(name).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"The file {name} is no text in UTF-8", help=otherwise) from error


def secret(prompt: str, *, confirmed: bool = False) -> str:
    """What a person types unseen, twice if it is to be `confirmed`; without a terminal a line of standard input.

    There is no option for it, because every user of a machine can read the command lines of the others.
    """
    if sys.stdin.isatty():
        return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=confirmed, err=True))
    return sys.stdin.readline().rstrip("\r\n")
