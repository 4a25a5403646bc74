"""`moorage status`: says whether a server runs, and where."""

from typing import Any

import typer

from moorage.cli import context
from moorage.cli.failures import Exit
from moorage.cli.options import Home, Json
from moorage.cli.output import print_json
from moorage.client import ApiError, ClientError, Moorage
from moorage.serve.data_folder import Running, read_note
from moorage.settings import Settings

SECONDS = 5.0


def status(*, home: Home = None, as_json: Json = False) -> None:
    """Say whether a server runs on the data folder, where, and whether it is ready. Exits with 3 if none answers."""
    settings = context.settings(home)
    running = read_note(settings.home)
    state = "not running" if running is None else _state(running)
    facts = {"home": str(settings.home), "state": state} | _facts(settings, running)
    if as_json:
        print_json(facts)
    else:
        for name, value in facts.items():
            typer.echo(f"{name:14} {value}")
    if state in {"not running", "silent"}:
        raise typer.Exit(Exit.UNREACHABLE)


def _state(running: Running) -> str:
    try:
        # /readyz needs no valid API key.
        with Moorage("none", running.gateway, timeout=SECONDS) as client:
            client.request("GET", "/readyz")
    except ApiError as error:
        return f"not ready: {error.message}"
    except ClientError:
        return "silent"
    return "ready"


def _facts(settings: Settings, running: Running | None) -> dict[str, Any]:
    if running is None:
        return {}
    facts = {"process": running.pid, "gateway": running.gateway, "crm": running.crm}
    public = {"public_url": settings.public_url, "crm_public_url": settings.crm_public_url}
    return facts | {name: url for name, url in public.items() if url is not None}
