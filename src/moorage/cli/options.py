"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from moorage.cli.completion import apps

App: TypeAlias = Annotated[
    str, typer.Argument(metavar="APP", autocompletion=apps, help="The app, such as zoho-crm.")
]
PolicyMode: TypeAlias = Literal["open", "cautious", "strict", "readonly"]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print only JSON on standard output.")]
Home: TypeAlias = Annotated[
    Path | None,
    # Typer does not check if it is readable, so that the error is the same as for MOORAGE_HOME.
    typer.Option(
        "--home", metavar="FOLDER", readable=False, help="The data folder [MOORAGE_HOME].", show_default=False
    ),
]
Config: TypeAlias = Annotated[
    Path | None,
    # A file that is missing is a fault among those of all settings.
    typer.Option(
        "--config",
        metavar="FILE",
        readable=False,
        help="The settings file [MOORAGE_CONFIG, moorage.toml in the data folder].",
        show_default=False,
    ),
]
Url: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="The server's address [MOORAGE_URL]. Default: the server of this data folder.",
        show_default=False,
    ),
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do it without a question.")]
