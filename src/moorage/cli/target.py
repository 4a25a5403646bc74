"""The database to which a command copies or moves something."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from moorage.cli.failures import UsageError
from moorage.settings import read_secret, reason

ToFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--to-file", metavar="FILE", help="A file with that URL, because others can read the command line."
    ),
]


def target_url(to: str | None, to_file: Path | None, read: Callable[[str], str], *, what: str) -> str:
    """The URL that `--to` or `--to-file` gives, as `read` takes it; `what` is the database in errors.

    Raises UsageError.
    """
    try:
        url = read(read_secret(str(to_file)) if to is None else to)
    except (ValueError, OSError) as error:
        raise UsageError(f"{'--to-file' if to is None else '--to'}: {reason(error)}") from None
    if not url:
        raise UsageError(f"The URL of {what} is empty")
    return url
