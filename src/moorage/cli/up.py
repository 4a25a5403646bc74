"""`moorage up`."""

import os
from typing import Annotated

import typer

from moorage.cli.failures import note
from moorage.cli.options import Home, Json
from moorage.cli.serving import become_server
from moorage.settings import load, unknown

Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        metavar="PORT",
        min=0,
        max=65_535,
        help="The gateway's; 0 picks a free one [MOORAGE_PORT, 8787].",
    ),
]
CrmPort = Annotated[
    int | None,
    typer.Option(
        "--crm-port",
        metavar="PORT",
        min=0,
        max=65_535,
        help="The CRM's; 0 picks a free one [MOORAGE_CRM_PORT, 8788].",
    ),
]
Host = Annotated[
    str | None,
    typer.Option("--host", metavar="ADDRESS", help="The address to listen at [MOORAGE_HOST, 127.0.0.1]."),
]
Workers = Annotated[
    int, typer.Option("--workers", metavar="NUMBER", min=1, max=64, help="How many processes serve.")
]


def up(
    *,
    port: Port = None,
    crm_port: CrmPort = None,
    host: Host = None,
    home: Home = None,
    workers: Workers = 1,
    as_json: Json = False,
) -> None:
    """Start the gateway and the CRM, and serve until told to stop."""
    for sentence in unknown(os.environ):
        note(sentence)
    load(os.environ, port=port, crm_port=crm_port, host=host, home=home)
    become_server(workers=workers, as_json=as_json, port=port, crm_port=crm_port, host=host, home=home)
