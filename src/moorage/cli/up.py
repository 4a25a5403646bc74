"""`moorage up`: starts the gateway and the CRM."""

import os
import shlex
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from moorage.cli import context
from moorage.cli.background import Behind, start
from moorage.cli.failures import UsageError, note
from moorage.cli.options import Config, Home, Json
from moorage.cli.serving import become_server, server_command, server_environment
from moorage.serve.data_folder import callback_url, prepare, read_note, require_posix
from moorage.settings import Settings, load_with_file, unknown_variables

# Other ports than the defaults, which the Moorage that connects to it uses.
_ZOHOS_PORTS = {"port": 9787, "crm_port": 9788}

Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        metavar="PORT",
        min=0,
        max=65_535,
        help="The gateway's port; 0 picks a free one [MOORAGE_PORT, 8787].",
    ),
]
CrmPort = Annotated[
    int | None,
    typer.Option(
        "--crm-port",
        metavar="PORT",
        min=0,
        max=65_535,
        help="The CRM's port; 0 picks a free one [MOORAGE_CRM_PORT, 8788].",
    ),
]
Host = Annotated[
    str | None,
    typer.Option("--host", metavar="ADDRESS", help="The address to listen at [MOORAGE_HOST, 127.0.0.1]."),
]
Workers = Annotated[
    int, typer.Option("--workers", metavar="NUMBER", min=1, max=64, help="The number of processes.")
]
AsZoho = Annotated[
    bool,
    typer.Option(
        "--as-zoho", help="Play Zoho to your Moorage, with another data folder and other ports: a rehearsal."
    ),
]

Detach = Annotated[
    bool, typer.Option("--detach", help="Serve in the background: see `moorage status`, `logs` and `stop`.")
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait/--no-wait",
        help="With --detach: return when the server is ready, and show what it shows; or at once.",
    ),
]
NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Do not open the console at the first start at a terminal.")
]


def up(
    *,
    port: Port = None,
    crm_port: CrmPort = None,
    host: Host = None,
    home: Home = None,
    config: Config = None,
    workers: Workers = 1,
    as_zoho: AsZoho = False,
    detach: Detach = False,
    wait: Wait = True,
    no_browser: NoBrowser = False,
    as_json: Json = False,
) -> None:
    """Start the gateway and the CRM, and serve until a signal stops them."""
    require_posix()
    if not wait and not detach:
        raise UsageError("--no-wait is for a server in the background", help="Add --detach.")
    options = {"port": port, "crm_port": crm_port, "host": host, "home": home}
    options["config"] = config and config.absolute()
    serving: dict[str, Any] = {"workers": workers, "as_json": as_json}
    serving["opens_browser"] = not (no_browser or as_json or detach)
    if as_zoho:
        serving |= _as_zoho(options)
    else:
        for sentence in unknown_variables(os.environ):
            note(sentence)
        serving |= {"environ": os.environ, **options}
    settings = load_with_file(serving["environ"], **{name: serving[name] for name in options})
    if detach:
        raise typer.Exit(_detached(settings, is_awaited=wait, **serving))
    become_server(**serving)


def _detached(settings: Settings, *, is_awaited: bool, environ: Mapping[str, str], **serving: Any) -> int:
    """Serve in the background. Returns the exit status."""
    prepare(settings.home)
    stop = f"moorage stop --home {shlex.quote(str(settings.home))}"
    behind = Behind(home=str(settings.home), is_awaited=is_awaited, stop=stop)
    command = server_command(**serving, behind=behind)
    return start(command, server_environment(environ), behind)


def _as_zoho(options: Mapping[str, Any]) -> dict[str, Any]:
    """How to serve in Zoho's place. Raises UsageError, SettingsInvalid.

    The settings in the environment are for the Moorage that connects to this one, so they are not used here.
    """
    if options["config"] is not None:
        raise UsageError("--config is not for --as-zoho", help="Its data folder may have a moorage.toml.")
    yours = context.settings()
    callback = callback_url(yours, read_note(yours.home))
    if callback is None:
        raise UsageError(
            "The address of your Moorage is not known until it runs", help="Start it first: `moorage up`."
        )
    port, crm_port, home = options["port"], options["crm_port"], options["home"]
    home = home or yours.home.with_name(f"{yours.home.name}-as-zoho")
    if home == yours.home:
        raise UsageError(
            f"{yours.home} is your Moorage's own data folder",
            help="Leave --home out, or name another folder.",
        )
    return {
        "plays_for": callback,
        "environ": {name: text for name, text in os.environ.items() if not name.startswith("MOORAGE_")},
        "home": home,
        "config": None,
        "host": options["host"],
        "port": _ZOHOS_PORTS["port"] if port is None else port,
        "crm_port": _ZOHOS_PORTS["crm_port"] if crm_port is None else crm_port,
        "log_level": yours.log_level,
    }
