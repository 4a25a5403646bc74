"""`moorage init`."""

import asyncio
import os

import typer

from moorage.cli.failures import note
from moorage.cli.options import Home, Json
from moorage.cli.output import print_json
from moorage.serve.data_folder import first_key_shown, locked, prepare
from moorage.settings import load


def init(*, home: Home = None, as_json: Json = False) -> None:
    """Make the data folder as the first start does, without serving, and print its first API key."""
    # The rooms take a while to load.
    from moorage.app import first_start  # noqa: PLC0415
    from moorage.logs import quiet_logs  # noqa: PLC0415

    quiet_logs()
    settings = load(os.environ, home=home)
    prepare(settings.home)
    with locked(settings.home):
        secret = asyncio.run(first_start(settings))
    if as_json:
        print_json({"home": str(settings.home), "api_key": secret})
    elif secret is not None:
        typer.echo(secret)
    else:
        note(f"The data folder {settings.home} is ready. Another API key: `moorage key create`.")
    first_key_shown(settings.home)
