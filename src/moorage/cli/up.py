"""`moorage up`."""

import os
from typing import Annotated

import typer

from moorage.cli.options import Home, Json
from moorage.cli.output import print_json
from moorage.settings import load

Port = Annotated[
    int | None, typer.Option("--port", help="The gateway's port; 0 picks a free one [MOORAGE_PORT, 8787].")
]
CrmPort = Annotated[
    int | None,
    typer.Option("--crm-port", help="The CRM's port; 0 picks a free one [MOORAGE_CRM_PORT, 8788]."),
]
Host = Annotated[
    str | None, typer.Option("--host", help="The address to listen at [MOORAGE_HOST, 127.0.0.1].")
]
Workers = Annotated[int, typer.Option("--workers", min=1, max=64, help="How many processes serve.")]


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
    settings = load(os.environ, port=port, crm_port=crm_port, host=host, home=home)
    # Everything the server is made of is loaded here, so that no other command waits for it.
    from moorage.serve.up import Ready  # noqa: PLC0415
    from moorage.serve.up import up as serve_until_stopped  # noqa: PLC0415

    def announce(ready: Ready) -> None:
        if as_json:
            event = {"event": "ready", "gateway": ready.gateway, "crm": ready.crm, "api_key": ready.api_key}
            print_json(event)
        else:
            typer.echo(_banner(ready.gateway, ready.crm, ready.api_key))

    serve_until_stopped(settings, workers=workers, announce=announce)


def _banner(gateway: str, crm: str, api_key: str | None) -> str:
    lines = ["", f"  Gateway  {gateway}", f"  CRM      {crm}", ""]
    if api_key is None:
        lines += ["  Another API key: moorage key create"]
    else:
        lines += [
            f"  API key  {api_key}",
            "  It is shown this once; keep it. Try it:",
            "",
            f"  export MOORAGE_API_KEY={api_key}",
            f"  curl -H 'Authorization: Bearer {api_key}' \\",
            f"       '{gateway}/zoho-crm/crm/v8/Leads?fields=First_Name,Last_Name,Email'",
        ]
    return "\n".join([*lines, "", "  Ctrl-C stops it.", ""])
