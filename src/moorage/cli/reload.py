"""`moorage reload`: lets the running server use changed settings and files of apps."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from moorage.cli.options import Home, Json
from moorage.cli.output import print_json
from moorage.errors import MoorageError, SettingsInvalid
from moorage.serve.data_folder import Running, holder, read_note
from moorage.settings import find_home

SECONDS = 15.0  # Longer than the server waits for its workers (`RELOAD_SECONDS` of `serve/workers.py`).
_PAUSE = 0.02


class NotRunning(MoorageError):
    """No server runs on the data folder."""

    code = "not_running"


class ReloadSilent(MoorageError):
    """The server has not said what came of a reload."""

    code = "reload_silent"


def reload(*, home: Home = None, as_json: Json = False) -> None:
    """Let the running server use changed settings and app files. If one is faulty, nothing changes: exits with 7."""
    folder = find_home(os.environ, home)
    pid, running = holder(folder), read_note(folder)
    if pid is None or running is None:
        raise NotRunning(f"No server runs on {folder}", help="Start it: `moorage up`.")
    os.kill(pid, signal.SIGHUP)
    outcome = _outcome(folder, running)
    if outcome["faults"]:
        raise SettingsInvalid(*outcome["faults"], help="The server goes on with the settings that it had.")
    if as_json:
        print_json({"home": str(folder)} | {name: outcome[name] for name in ("applied", "apps", "waiting")})
    else:
        for line in _lines(outcome):
            typer.echo(line)


def _outcome(folder: Path, before: Running) -> Mapping[str, Any]:
    """What came of it, as soon as the note of the server says so. Raises ReloadSilent."""
    number = before.reloaded["number"] if before.reloaded is not None else 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        running = read_note(folder)
        if running is not None and running.reloaded is not None and running.reloaded["number"] > number:
            return running.reloaded
        time.sleep(_PAUSE)
    raise ReloadSilent(
        f"The server of {folder}, process {before.pid}, has not said in {SECONDS:g} s that it reloaded its settings.",
        help="Its log has more: `moorage logs`.",
    )


def _lines(outcome: Mapping[str, Any]) -> list[str]:
    facts = (("Applied", "applied"), ("Apps", "apps"), ("Needs a restart", "waiting"))
    lines = [f"{title}: {', '.join(outcome[name])}." for title, name in facts if outcome[name]]
    return lines or ["Nothing has changed."]
