"""`moorage connection`: the connections that a key may use."""

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from moorage.cli import context, reading
from moorage.cli.completion import apps, connections, organisations, starting
from moorage.cli.connecting import invite, wait_until_connected
from moorage.cli.connection_shown import row, show
from moorage.cli.durations import duration_in
from moorage.cli.failures import UsageError, note
from moorage.cli.options import App, Json, Url, Yes
from moorage.cli.output import confirm, counted, print_json, print_table
from moorage.client import ApiError, Moorage
from moorage.near import did_you_mean

ENVIRONMENTS = ("embedded", "sandbox", "live")
LABELS = ("alias", "tags", "end_user")

commands = typer.Typer(help="Connections to outside accounts.", rich_markup_mode=None)

ConnectionName = Annotated[
    str, typer.Argument(metavar="ID", autocompletion=connections, help="The connection's id or alias.")
]
OfApp = Annotated[
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
Alias = Annotated[
    str | None,
    typer.Option("--alias", metavar="ALIAS", help="A name such as sales-eu, of its own in the app."),
]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag, such as team:sales.")]
EndUser = Annotated[
    str | None, typer.Option("--end-user", metavar="ID", help="The id of the person in your own program.")
]


def _token_file(kind: str) -> Any:
    return typer.Option(
        f"--{kind}-token-file", metavar="FILE", help=f"A file with the {kind} token; - is standard input."
    )


@commands.command("list")
def list_(
    *,
    app: OfApp = None,
    status: Status = None,
    environment: Annotated[
        str | None,
        typer.Option(
            "--environment",
            metavar="KIND",
            autocompletion=starting(ENVIRONMENTS),
            help="Only connections to this kind of account: embedded, sandbox or live.",
        ),
    ] = None,
    alias: Alias = None,
    tags: Tags = None,
    end_user: EndUser = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """List connections."""
    with context.client(url) as client:
        connections = client.connections.list(
            app=app, status=status, environment=environment, alias=alias, tags=tags or (), end_user=end_user
        )
    if as_json:
        print_json({"connections": connections})
        return
    columns = ("ID", "ALIAS", "APP", "STATUS", "DEFAULT", "ENVIRONMENT", "ACCOUNT", "CREATED")
    print_table(columns, [row(connection) for connection in connections])


@commands.command()
def get(name: ConnectionName, *, url: Url = None, as_json: Json = False) -> None:
    """Show one connection."""
    with context.client(url) as client, _suggesting_name(client, name):
        show(client.connections.get(name), as_json=as_json)


@commands.command()
def create(
    app: App,
    *,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page, or only print its address.")
    ] = True,
    organisation: Annotated[
        str | None,
        typer.Option(
            "--organisation",
            metavar="SLUG",
            autocompletion=organisations,
            help="Connect it at once to this organisation of the embedded CRM.",
        ),
    ] = None,
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Let the page offer the embedded CRM, too.")
    ] = False,
    alias: Alias = None,
    tags: Tags = None,
    end_user: EndUser = None,
    return_url: Annotated[
        str | None,
        typer.Option(
            "--return-url", metavar="URL", help="Where the person goes afterwards, if the operator allows it."
        ),
    ] = None,
    timeout: Annotated[
        int,
        typer.Option("--timeout", metavar="SECONDS", min=0, help="How long to wait; 0 does not wait."),
    ] = 600,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Create a connection, and wait until a person has connected it in a browser."""
    with context.client(url) as client:
        connection = client.connections.create(
            app,
            embedded=embedded,
            organisation=organisation,
            alias=alias,
            tags=tags or (),
            end_user=end_user,
            return_url=return_url,
        )
        if timeout and organisation is None:
            invite(connection["url"] or "", browser=browser)
            connection = wait_until_connected(client, connection["connection_id"], timeout)
        show(connection, as_json=as_json)


@commands.command("import")
def import_(
    app: App,
    *,
    refresh_token_file: Annotated[str | None, _token_file("refresh")] = None,
    access_token_file: Annotated[str | None, _token_file("access")] = None,
    data_centre: Annotated[
        str | None,
        typer.Option("--data-centre", metavar="NAME", help="The account's data centre, such as eu."),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(
            "--environment", metavar="NAME", help="The API's environment: production, sandbox, developer."
        ),
    ] = None,
    organisation: Annotated[
        str | None,
        typer.Option(
            "--organisation",
            metavar="SLUG",
            autocompletion=organisations,
            help="The organisation of the embedded CRM.",
        ),
    ] = None,
    alias: Alias = None,
    tags: Tags = None,
    end_user: EndUser = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Make a connection of tokens that you got elsewhere. Without a file, asks for the refresh token."""
    if refresh_token_file == access_token_file == "-":
        raise UsageError("Standard input can have one token only", help="Put the other one into a file.")
    if refresh_token_file is None and access_token_file is None:
        tokens = {"refresh_token": reading.secret("Refresh token").strip()}
    else:
        files = {"refresh_token": refresh_token_file, "access_token": access_token_file}
        tokens = {name: reading.text(file).strip() for name, file in files.items() if file is not None}
    with context.client(url) as client:
        connection = client.connections.import_tokens(
            app,
            **tokens,
            data_centre=data_centre,
            environment=environment,
            organisation=organisation,
            alias=alias,
            tags=tags,
            end_user=end_user,
        )
    show(connection, as_json=as_json)


@commands.command()
def label(
    name: ConnectionName,
    *,
    alias: Alias = None,
    tags: Tags = None,
    end_user: EndUser = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            "--remove",
            metavar="LABEL",
            autocompletion=starting(LABELS),
            help="Remove its alias, its tags or its end_user.",
        ),
    ] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Give a connection another alias, other tags or another end user."""
    given: dict[str, Any] = {"alias": alias, "tags": tags or None, "end_user": end_user}
    labels = {kind: value for kind, value in given.items() if value is not None}
    for kind in remove or ():
        if kind not in LABELS or kind in labels:
            raise UsageError(
                f"--remove can't be {kind!r}", help=f"Use one of {', '.join(LABELS)}, not given anew."
            )
        labels[kind] = None
    if not labels:
        raise UsageError("Nothing would change", help="Use --alias, --tag, --end-user or --remove.")
    with context.client(url) as client, _suggesting_name(client, name):
        show(client.connections.label(name, **labels), as_json=as_json)


@commands.command()
def use(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="ID", autocompletion=connections, help="The connection's id or alias.", show_default=False
        ),
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
    if (name is None) == (none is None):
        raise UsageError(
            "Name a connection, or an app with --none",
            help="`moorage connection list` shows the connections.",
        )
    with context.client(url) as client:
        if none is not None:
            default = client.connections.use_none(none)
        else:
            default = client.connections.use(name or "")
    if as_json:
        print_json({"default": default})
        return
    used = default["connection_id"] or "no connection, so they are refused"
    typer.echo(f"Calls of {default['app']} that name no connection go through {used}.")


@commands.command()
def prune(
    *,
    older_than: Annotated[
        str,
        typer.Option("--older-than", metavar="TIME", help="Only those that have not changed for this time."),
    ] = "1d",
    app: OfApp = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list them.")] = False,
    yes: Yes = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Delete connections that nobody has ever connected."""
    seconds = int(duration_in("--older-than", older_than).total_seconds())
    if not dry_run:
        confirm(f"Delete the connections that nobody has connected for {older_than}?", yes=yes)
    with context.client(url) as client:
        pruned = client.connections.prune(older_than_seconds=seconds, app=app, dry_run=dry_run)
    if as_json:
        print_json(pruned)
        return
    connections = pruned["connections"]
    columns = ("ID", "ALIAS", "APP", "STATUS", "CREATED")
    rows = [(c["connection_id"], c["alias"], c["app"], c["status"], c["creation_time"]) for c in connections]
    print_table(columns, rows)
    more = " There may be more: repeat the command." if pruned["more"] and not dry_run else ""
    note(f"{'Would delete' if dry_run else 'Deleted'} {counted(len(connections), 'connection')}.{more}")


@commands.command()
def delete(name: ConnectionName, *, yes: Yes = False, url: Url = None, as_json: Json = False) -> None:
    """Delete a connection and its tokens for good."""
    confirm(f"Delete connection {name}?", yes=yes)
    with context.client(url) as client, _suggesting_name(client, name):
        revocation = client.connections.delete(name)
    if as_json:
        print_json({"deleted": name, "revocation": revocation})
    else:
        typer.echo(f"Deleted connection {name}. {revocation['message']}")


@contextlib.contextmanager
def _suggesting_name(client: Moorage, name: str) -> Iterator[None]:
    """If the connection does not exist, add the most similar id or alias to the error."""
    try:
        yield
    except ApiError as error:
        if error.code == "connection_unknown" and error.message:
            connections = client.connections.list()
            names = [alias for connection in connections if (alias := connection.get("alias"))]
            names += [connection["connection_id"] for connection in connections]
            error.message += did_you_mean(name, names)
        raise
