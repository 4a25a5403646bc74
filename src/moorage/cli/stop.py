"""`moorage stop`: stops the server of a data folder."""

import os
import signal
import time
from typing import Annotated

import typer

from moorage.cli import context
from moorage.cli.options import Home, Json
from moorage.cli.output import print_json
from moorage.errors import MoorageError
from moorage.serve.data_folder import holder
from moorage.settings import Settings

# Seconds. Requests have ten to end (`DRAIN_SECONDS` of `serve/process.py`, which loads slowly), and workers five more.
LONGEST_DRAIN = 20
_PAUSE = 0.05

Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0,
        help="How long to wait for its end. Default: as long as its requests have.",
        show_default=False,
    ),
]


class StillRunning(MoorageError):
    """A server did not end in time."""

    code = "still_running"


def stop(*, timeout: Timeout = None, home: Home = None, as_json: Json = False) -> None:
    """Stop the server of the data folder, and wait for its end. It is no error if none runs."""
    settings = context.settings(home)
    pid = holder(settings.home)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        _await_end(settings, pid, settings.stop_delay + LONGEST_DRAIN if timeout is None else timeout)
    if as_json:
        print_json({"home": str(settings.home), "stopped": pid})
    elif pid is None:
        typer.echo(f"No server runs on {settings.home}.")
    else:
        typer.echo(f"Stopped the server of {settings.home}, process {pid}.")


def _await_end(settings: Settings, pid: int, seconds: float) -> None:
    """Wait until another process, or none, holds the folder. Raises StillRunning."""
    end = time.monotonic() + seconds
    while holder(settings.home) == pid:
        if time.monotonic() > end:
            raise StillRunning(
                f"The server of {settings.home}, process {pid}, was told to stop, and still runs after {seconds:g} s.",
                help="Wait until its requests have ended. A second `moorage stop` ends it at once.",
            )
        time.sleep(_PAUSE)
