"""`moorage client`: the OAuth clients by which apps know this Moorage."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from moorage.cli import reach
from moorage.cli.command import apps
from moorage.cli.failures import UsageError, note
from moorage.cli.operator import operate
from moorage.cli.options import Home, Json, Yes
from moorage.cli.output import confirm, print_json, print_table
from moorage.serve.home import read_note

if TYPE_CHECKING:
    from moorage.oauth.clients import Registered
    from moorage.operator import Operator
    from moorage.settings import Settings

commands = typer.Typer(
    help="Your OAuth clients at the apps: by what they know this Moorage.", rich_markup_mode=None
)

App = Annotated[str, typer.Argument(metavar="APP", autocompletion=apps, help="The app, such as zoho-crm.")]
DataCentre = Annotated[
    str | None,
    typer.Option(
        "--data-centre", metavar="NAME", help="Only for this one, such as eu; else for all of them."
    ),
]


@commands.command("set")
def set_(
    app: App,
    *,
    client_id: Annotated[
        str, typer.Option("--client-id", metavar="ID", help="From the app's developer console.")
    ],
    secret_file: Annotated[
        Path | None,
        typer.Option(
            "--secret-file", metavar="FILE", help="A file that holds its secret; else it is asked for."
        ),
    ] = None,
    data_centre: DataCentre = None,
    rehearsal: Annotated[
        str | None,
        typer.Option(
            "--rehearsal", metavar="URL", help="Where `moorage up --as-zoho` plays the app, to try it out."
        ),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Keep a client; its secret is asked for, or read from standard input or a file."""
    if rehearsal is not None and data_centre is not None:
        raise UsageError("--rehearsal and --data-centre can't be given together")
    secret = _secret(secret_file)

    async def keep(operator: "Operator") -> "tuple[str, list[str], Settings]":
        name = await operator.oauth_clients.set(app, data_centre, client_id, secret, rehearsal)
        return name, operator.oauth_clients.apps(name), operator.settings

    name, apps, settings = operate(home, keep)
    callback = _callback(settings)
    if as_json:
        print_json({"client": name, "data_centre": data_centre, "apps": apps, "callback_url": callback})
        return
    if rehearsal is not None:
        typer.echo(f"Kept the client {client_id}. Connect: moorage connection create {app}")
        return
    typer.echo(f"Kept the client {client_id} for {', '.join(apps)}.")
    typer.echo(f"Its callback URL in the app's developer console has to be: {_told(callback, settings)}")


@commands.command("list")
def list_(*, home: Home = None, as_json: Json = False) -> None:
    """List clients, never their secrets, and the callback URL to register with each."""

    async def look(operator: "Operator") -> "tuple[list[Registered], Settings]":
        return await operator.oauth_clients.list(), operator.settings

    found, settings = operate(home, look)
    callback = _callback(settings)
    if reach.server_alone_has(settings, "MOORAGE_OAUTH_CLIENTS"):
        note("The server has clients of MOORAGE_OAUTH_CLIENTS, too, which is not set here.")
    if as_json:
        print_json({"clients": [asdict(one) for one in found], "callback_url": callback})
        return
    rows = [(one.name, one.data_centre or "all", one.client_id, one.source) for one in found]
    print_table(("CLIENT", "DATA CENTRE", "CLIENT ID", "FROM"), rows)
    typer.echo(f"Callback URL: {_told(callback, settings)}")


@commands.command()
def delete(
    app: App, *, data_centre: DataCentre = None, yes: Yes = False, home: Home = None, as_json: Json = False
) -> None:
    """Forget a client. Its connections work until their tokens end, and can't be refreshed then."""
    confirm(f"Forget the client for {app}?", yes=yes)
    operate(home, lambda operator: operator.oauth_clients.delete(app, data_centre))
    if as_json:
        print_json({"deleted": app, "data_centre": data_centre})
    else:
        typer.echo(f"Forgot the client for {app}")


def _callback(settings: "Settings") -> str | None:
    """Where the data folder's server has people sent back to; None as long as its port may be any."""
    if settings.public_url is None and read_note(settings.home) is None and settings.port == 0:
        return None
    return f"{settings.public_url or reach.server(settings).gateway}/connect/callback"


def _told(callback: str | None, settings: "Settings") -> str:
    """The callback URL, and where it comes from if no server runs."""
    return "known once a server runs" if callback is None else f"{callback}{reach.where_from(settings)}"


def _secret(file: Path | None) -> str:
    # There is no option for it, because every user of a machine can read the command lines of the others.
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
            raise UsageError(f"The file {file} can't be read: {reason}") from error
    if sys.stdin.isatty():
        return str(typer.prompt("Client secret", hide_input=True, err=True)).strip()
    return sys.stdin.readline().strip()
