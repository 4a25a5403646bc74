"""`moorage up`: starts the gateway and the CRM."""

import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from moorage.cli import context
from moorage.cli.failures import UsageError, note
from moorage.cli.options import Home, Json
from moorage.cli.serving import become_server
from moorage.serve.data_folder import callback_url, read_note
from moorage.settings import load, unknown_variables

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


def up(
    *,
    port: Port = None,
    crm_port: CrmPort = None,
    host: Host = None,
    home: Home = None,
    workers: Workers = 1,
    as_zoho: AsZoho = False,
    as_json: Json = False,
) -> None:
    """Start the gateway and the CRM, and serve until a signal stops them."""
    if as_zoho:
        _as_zoho(port=port, crm_port=crm_port, host=host, home=home, workers=workers, as_json=as_json)
    for sentence in unknown_variables(os.environ):
        note(sentence)
    load(os.environ, port=port, crm_port=crm_port, host=host, home=home)
    become_server(workers=workers, as_json=as_json, port=port, crm_port=crm_port, host=host, home=home)


def _as_zoho(
    *,
    port: int | None,
    crm_port: int | None,
    host: str | None,
    home: Path | None,
    workers: int,
    as_json: bool,
) -> NoReturn:
    """Serve in Zoho's place. Raises UsageError, SettingsInvalid.

    The settings in the environment are for the Moorage that connects to this one, so they are not used here.
    """
    yours = context.settings()
    callback = callback_url(yours, read_note(yours.home))
    if callback is None:
        raise UsageError(
            "The address of your Moorage is not known until it runs", help="Start it first: `moorage up`."
        )
    options = {
        "home": home or yours.home.with_name(f"{yours.home.name}-as-zoho"),
        "host": host,
        "port": _ZOHOS_PORTS["port"] if port is None else port,
        "crm_port": _ZOHOS_PORTS["crm_port"] if crm_port is None else crm_port,
        "log_level": yours.log_level,
    }
    if options["home"] == yours.home:
        raise UsageError(
            f"{yours.home} is your Moorage's own data folder",
            help="Leave --home out, or name another folder.",
        )
    environ = {name: text for name, text in os.environ.items() if not name.startswith("MOORAGE_")}
    load(environ, **options)
    become_server(workers=workers, as_json=as_json, plays_for=callback, environ=environ, **options)
