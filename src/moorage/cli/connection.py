"""`moorage connection`: the connections that a key may use."""

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from moorage.cli import context
from moorage.cli.command import apps, starting
from moorage.cli.connecting import invite, wait_until_connected
from moorage.cli.failures import UsageError
from moorage.cli.options import Json, Url, Yes
from moorage.cli.output import confirm, print_json, print_table
from moorage.client import ApiError, Connection, Moorage
from moorage.near import did_you_mean

commands = typer.Typer(help="Connections to outside accounts.", rich_markup_mode=None)

ConnectionId = Annotated[str, typer.Argument(metavar="ID", help="The connection's id.")]
App = Annotated[
    str | None,
    typer.Option(
        "--app", metavar="APP", autocompletion=apps, help="Only connections to this app, such as zoho-crm."
    ),
]
Status = Annotated[
    str | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        autocompletion=starting(("ACTIVE", "PENDING", "FAILED")),
        help="Only connections with this status: ACTIVE, PENDING or FAILED.",
    ),
]


@commands.command("list")
def list_(*, app: App = None, status: Status = None, url: Url = None, as_json: Json = False) -> None:
    """List connections."""
    with context.client(url) as client:
        connections = client.connections.list(app=app, status=status)
    if as_json:
        print_json({"connections": connections})
        return
    columns = ("ID", "APP", "STATUS", "DEFAULT", "ENVIRONMENT", "ACCOUNT", "CREATED")
    print_table(columns, [_row(connection) for connection in connections])


@commands.command()
def get(connection_id: ConnectionId, *, url: Url = None, as_json: Json = False) -> None:
    """Show one connection."""
    with context.client(url) as client, _suggesting_id(client, connection_id):
        _show(client.connections.get(connection_id), as_json=as_json)


@commands.command()
def create(
    app: Annotated[
        str, typer.Argument(metavar="APP", autocompletion=apps, help="The app, such as zoho-crm.")
    ],
    *,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page, or only print its address.")
    ] = True,
    organisation: Annotated[
        str | None,
        typer.Option(
            "--organisation",
            metavar="SLUG",
            help="Connect it at once to this organisation of the embedded CRM.",
        ),
    ] = None,
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Let the page offer the embedded CRM, too.")
    ] = False,
    timeout: Annotated[
        int,
        typer.Option("--timeout", metavar="SECONDS", min=0, help="How long to wait; 0 does not wait."),
    ] = 600,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Create a connection, and wait until a person has connected it in a browser."""
    with context.client(url) as client:
        connection = client.connections.create(app, embedded=embedded, organisation=organisation)
        if timeout and organisation is None:
            invite(connection["url"] or "", browser=browser)
            connection = wait_until_connected(client, connection["connection_id"], timeout)
        _show(connection, as_json=as_json)


@commands.command()
def use(
    connection_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="The connection's id.", show_default=False)
    ] = None,
    *,
    none: Annotated[
        str | None,
        typer.Option(
            "--none",
            metavar="APP",
            autocompletion=apps,
            help="Undo the choice for this app, such as zoho-crm.",
        ),
    ] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Make a connection the default: calls of its app that name no connection go through it."""
    if (connection_id is None) == (none is None):
        raise UsageError(
            "Name a connection, or an app with --none",
            help="`moorage connection list` shows the connections.",
        )
    with context.client(url) as client:
        if none is not None:
            default = client.connections.use_none(none)
        else:
            default = client.connections.use(connection_id or "")
    if as_json:
        print_json({"default": default})
        return
    used = default["connection_id"] or "no connection, so they are refused"
    typer.echo(f"Calls of {default['app']} that name no connection go through {used}.")


@commands.command()
def delete(connection_id: ConnectionId, *, yes: Yes = False, url: Url = None, as_json: Json = False) -> None:
    """Delete a connection and its tokens for good."""
    confirm(f"Delete connection {connection_id}?", yes=yes)
    with context.client(url) as client, _suggesting_id(client, connection_id):
        revocation = client.connections.delete(connection_id)
    if as_json:
        print_json({"deleted": connection_id, "revocation": revocation})
    else:
        typer.echo(f"Deleted connection {connection_id}. {revocation['message']}")


@contextlib.contextmanager
def _suggesting_id(client: Moorage, connection_id: str) -> Iterator[None]:
    """If the connection does not exist, add the most similar id to the error."""
    try:
        yield
    except ApiError as error:
        if error.code == "connection_unknown" and error.message:
            ids = [connection["connection_id"] for connection in client.connections.list()]
            error.message += did_you_mean(connection_id, ids)
        raise


def _show(connection: Connection, *, as_json: bool) -> None:
    if as_json:
        print_json({"connection": connection})
        return
    for name, value in _facts(connection):
        typer.echo(f"{name:18} {value}")


def _row(connection: Connection) -> tuple[object, ...]:
    metadata = connection.get("metadata", {})
    account = metadata.get("organisation") or metadata.get("user") or metadata.get("reason")
    default = "*" if connection["default"] else ""
    status = f"{connection['status']} (not verified)" if "not_verified" in metadata else connection["status"]
    kind, created = connection["environment"], f"{connection['creation_time'].partition('.')[0].rstrip('Z')}Z"
    return connection["connection_id"], connection["app"], status, default, kind, account, created


def _facts(connection: Connection) -> Iterator[tuple[str, Any]]:
    """The facts for a person, without `id`, which repeats `connection_id`."""
    for name, value in connection.items():
        if isinstance(value, dict):
            yield from ((key, _joined(fact)) for key, fact in value.items())
        elif name != "id" and value is not None:
            yield name, value


def _joined(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else value
