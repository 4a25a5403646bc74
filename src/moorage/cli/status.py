"""`moorage status`: says whether a server runs, and where."""

from typing import Any

import typer

from moorage.cli import context
from moorage.cli.failures import Exit
from moorage.cli.options import Home, Json
from moorage.cli.output import print_facts, print_json
from moorage.client import ApiError, ClientError, Moorage
from moorage.serve.data_folder import Running, is_held, read_note
from moorage.serve.log_file import log_files
from moorage.settings import Settings

SECONDS = 5.0
_STATUSES = {"ready": Exit.OK, "not ready": Exit.FAILED}


def status(*, home: Home = None, as_json: Json = False) -> None:
    """Say whether a server runs on the data folder, where, and whether it is ready; the exit status says it, too."""
    settings = context.settings(home)
    running = read_note(settings.home)
    state, reason = _asked(running) if running is not None else (_without_note(settings), None)
    facts = {"home": str(settings.home), "state": state, "reason": reason} | _facts(settings, running)
    if as_json:
        print_json({name: value for name, value in facts.items() if value is not None})
    else:
        print_facts(facts)
    raise typer.Exit(_STATUSES.get(state, Exit.UNREACHABLE))


def _without_note(settings: Settings) -> str:
    return "starting" if is_held(settings.home) else "not running"


def _asked(running: Running) -> tuple[str, str | None]:
    """The state, and why it is not ready."""
    try:
        # /readyz needs no valid API key.
        with Moorage("none", running.gateway, timeout=SECONDS) as client:
            client.request("GET", "/readyz")
    except ApiError as error:
        return "not ready", error.message
    except ClientError:
        return "silent", None
    return "ready", None


def _facts(settings: Settings, running: Running | None) -> dict[str, Any]:
    if running is None:
        return {}
    logs = log_files(settings.home)
    return {
        "process": running.pid,
        "version": running.version,
        "since": running.since,
        "workers": running.workers,
        "gateway": running.gateway,
        "crm": running.crm,
        "metrics": running.metrics,
        "public_url": settings.public_url,
        "crm_public_url": settings.crm_public_url,
        "log": str(logs[0]) if logs else None,
    }
