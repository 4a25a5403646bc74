"""Reads the input of commands: files, standard input, and secrets."""

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
    """The text of a file, or of standard input for `-`. Raises UsageError, with the advice `otherwise` if not UTF-8."""
    try:
        return content(name).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"The file {name} is not UTF-8 text", help=otherwise) from error


def secret(prompt: str, *, confirmed: bool = False) -> str:
    """A secret that a person types without seeing it, twice if `confirmed`. Without a terminal, a line of input.

    No option takes a secret, because all users of a machine can read the command lines of others.
    """
    if sys.stdin.isatty():
        return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=confirmed, err=True))
    return sys.stdin.readline().rstrip("\r\n")
