"""`moorage init`: creates the data folder without serving."""

import asyncio
import os

import typer

from moorage.cli.failures import note
from moorage.cli.options import Config, Home, Json
from moorage.cli.output import print_json
from moorage.serve.data_folder import first_key_shown, locked, prepare, require_posix
from moorage.settings import load_with_file


def init(*, home: Home = None, config: Config = None, as_json: Json = False) -> None:
    """Create the data folder without starting a server, and print its first API key."""
    # Imported here, because the rooms load slowly.
    from moorage.first_start import first_start  # noqa: PLC0415
    from moorage.logs import quiet_logs  # noqa: PLC0415

    require_posix()
    quiet_logs()
    settings = load_with_file(os.environ, home=home, config=config)
    prepare(settings.home)
    with locked(settings.home):
        secret = asyncio.run(first_start(settings)).api_key
    if as_json:
        print_json({"home": str(settings.home), "api_key": secret})
    elif secret is not None:
        typer.echo(secret)
    else:
        note(f"The data folder {settings.home} is ready. Another API key: `moorage key create`.")
    first_key_shown(settings.home)
