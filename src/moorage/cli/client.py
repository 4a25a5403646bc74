"""`moorage client`: your OAuth clients at the apps."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import asdict

from moorage.cli import context, reading
from moorage.cli.failures import UsageError, note
from moorage.cli.operator import operate
from moorage.cli.options import App, Home, Json, Yes
from moorage.cli.output import confirm, print_json, print_table
from moorage.serve.data_folder import callback_url, read_note

if TYPE_CHECKING:
    from moorage.oauth.apps.clients import Registered
    from moorage.operator import Operator
    from moorage.settings import Settings

commands = typer.Typer(help="Your OAuth clients at the apps.", rich_markup_mode=None)

DataCentre = Annotated[
    str | None,
    typer.Option(
        "--data-centre", metavar="NAME", help="Only for this data centre, such as eu. Default: for all."
    ),
]
ClientId = Annotated[str, typer.Option("--client-id", metavar="ID", help="From the app's developer console.")]
SecretFile = Annotated[
    Path | None,
    typer.Option("--secret-file", metavar="FILE", help="A file with the secret. Default: asks for it."),
]
Rehearsal = Annotated[
    str | None,
    typer.Option(
        "--rehearsal", metavar="URL", help="The address of `moorage up --as-zoho`, which plays the app."
    ),
]


@commands.command("set")
def set_(
    app: App,
    *,
    client_id: ClientId,
    secret_file: SecretFile = None,
    data_centre: DataCentre = None,
    rehearsal: Rehearsal = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Store a client. Asks for its secret, or reads it from standard input or a file."""
    if rehearsal is not None and data_centre is not None:
        raise UsageError(
            "--rehearsal and --data-centre can't be used together", help="Leave one of them out."
        )
    secret = reading.secret("Client secret") if secret_file is None else reading.text(secret_file)

    async def keep(operator: "Operator") -> "tuple[str, list[str], Settings]":
        name = await operator.client_set(app, data_centre, client_id, secret.strip(), rehearsal)
        return name, list(operator.oauth_clients.titles(name)), operator.settings

    name, apps, settings = operate(home, keep)
    callback = callback_url(settings, read_note(settings.home))
    if as_json:
        print_json({"client": name, "data_centre": data_centre, "apps": apps, "callback_url": callback})
        return
    if rehearsal is not None:
        typer.echo(f"Stored the client {client_id}. Connect: moorage connection create {app}")
        return
    typer.echo(f"Stored the client {client_id} for {', '.join(apps)}.")
    typer.echo(f"Its callback URL in the app's developer console has to be: {_described(callback, settings)}")


@commands.command("list")
def list_(*, home: Home = None, as_json: Json = False) -> None:
    """List clients, never their secrets, and the callback URL to register with each."""

    async def look(operator: "Operator") -> "tuple[list[Registered], Settings]":
        return await operator.oauth_clients.list(), operator.settings

    clients, settings = operate(home, look)
    callback = callback_url(settings, read_note(settings.home))
    if context.server_alone_has(settings, "MOORAGE_OAUTH_CLIENTS"):
        note("The server also has clients in its MOORAGE_OAUTH_CLIENTS, which is not set here.")
    if as_json:
        print_json({"clients": [asdict(client) for client in clients], "callback_url": callback})
        return
    rows = [(client.name, client.data_centre or "all", client.client_id, client.source) for client in clients]
    print_table(("CLIENT", "DATA CENTRE", "CLIENT ID", "FROM"), rows)
    typer.echo(f"Callback URL: {_described(callback, settings)}")


@commands.command()
def delete(
    app: App, *, data_centre: DataCentre = None, yes: Yes = False, home: Home = None, as_json: Json = False
) -> None:
    """Delete a client. Its connections work until their tokens expire, and can't be renewed then."""
    confirm(f"Delete the client for {app}?", yes=yes)
    operate(home, lambda operator: operator.client_delete(app, data_centre))
    if as_json:
        print_json({"deleted": app, "data_centre": data_centre})
    else:
        typer.echo(f"Deleted the client for {app}")


def _described(callback: str | None, settings: "Settings") -> str:
    """The callback URL, with a remark on its source if no server runs."""
    return (
        "known once a server runs" if callback is None else f"{callback}{context.source_of_address(settings)}"
    )
