"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")
]
Home: TypeAlias = Annotated[
    Path | None,
    # Whether it can be read is said by whoever opens it, in the same words as for MOORAGE_HOME.
    typer.Option(
        "--home", metavar="FOLDER", readable=False, help="The data folder [MOORAGE_HOME].", show_default=False
    ),
]
Url: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="The server's address [MOORAGE_URL]; else the one that runs here.",
        show_default=False,
    ),
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
