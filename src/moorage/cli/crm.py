"""`moorage crm`: the organisations, users and clients of the embedded CRM."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from moorage.cli import context, reading
from moorage.cli.completion import organisations as slugs
from moorage.cli.failures import UsageError
from moorage.cli.operator import operate
from moorage.cli.options import Home, Json, Yes
from moorage.cli.org_move import move
from moorage.cli.output import confirm, counted, print_json, print_table, require_writable_place

if TYPE_CHECKING:
    from moorage.crm import Client, OrganisationRow
    from moorage.operator import Operator

commands = typer.Typer(help="The embedded CRM.", rich_markup_mode=None)
organisations = typer.Typer(help="Its organisations.", rich_markup_mode=None)
clients = typer.Typer(help="Clients of its accounts server.", rich_markup_mode=None)
users = typer.Typer(help="Its users.", rich_markup_mode=None)
commands.add_typer(organisations, name="org")
commands.add_typer(clients, name="client")
commands.add_typer(users, name="user")
organisations.command("move")(move)

Slug = Annotated[
    str, typer.Argument(metavar="SLUG", autocompletion=slugs, help="The organisation's short name.")
]
Org = Annotated[
    str | None,
    typer.Option(
        "--org", metavar="SLUG", autocompletion=slugs, help="The organisation. Default: the oldest."
    ),
]
ClientId = Annotated[str, typer.Argument(metavar="CLIENT", help="The client's id.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The snapshot.")]
FullName = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Its full name. Default: the short name.")
]
TimeZone = Annotated[
    str,
    typer.Option("--time-zone", metavar="ZONE", help="The time zone of its users, such as Europe/Oslo."),
]
DataCentre = Annotated[
    str,
    typer.Option("--data-centre", metavar="NAME", help="Its data centre: us, eu, in, au, jp, cn, ca or sa."),
]
Sample = Annotated[bool, typer.Option("--sample/--empty", help="With sample records, or without.")]
Unique = Annotated[
    list[str] | None,
    typer.Option("--unique", metavar="MODULE.FIELD", help="A field whose values have to be unique."),
]


@commands.command()
def credentials(
    *,
    org: Org = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Print what a Zoho SDK needs to reach the embedded CRM."""

    async def read(operator: "Operator") -> dict[str, str]:
        settings = operator.settings
        return await operator.credentials(org, settings.crm_public_url or context.crm(settings))

    values = operate(home, read)
    if as_json:
        print_json(values)
        return
    for name, value in values.items():
        typer.echo(f"{name:14} {value}")


@commands.command("grant-code")
def grant_code(
    *,
    client: Annotated[str, typer.Option("--client", metavar="CLIENT", help="The id of a self client.")],
    scope: Annotated[
        str,
        typer.Option("--scope", metavar="SCOPES", help="Its rights: Zoho's scopes, separated by commas."),
    ] = "ZohoCRM.modules.ALL,ZohoCRM.settings.ALL,ZohoCRM.users.ALL,ZohoCRM.org.ALL",
    minutes: Annotated[
        int, typer.Option("--minutes", metavar="NUMBER", min=1, max=10, help="The lifetime of the code.")
    ] = 3,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Print a code that a self client can exchange once for tokens."""
    code = operate(home, lambda operator: operator.clients.grant_code(client, scope, minutes))
    if as_json:
        print_json({"code": code, "expires_in": minutes * 60})
    else:
        typer.echo(code)


@users.command("list")
def list_users(*, org: Org = None, home: Home = None, as_json: Json = False) -> None:
    """List the users of an organisation who may sign in."""
    members = operate(home, lambda operator: operator.organisations.users(org))
    documents = [{"id": str(user.id), "name": user.name, "email": user.email} for user in members]
    if as_json:
        print_json({"users": documents})
        return
    print_table(("EMAIL", "NAME", "ID"), [(user["email"], user["name"], user["id"]) for user in documents])


@users.command()
def password(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.")],
    *,
    org: Org = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Set the password of a user. Asks for it, or reads it from standard input."""
    new_password = reading.secret("Password", confirmed=True)
    address = operate(home, lambda operator: operator.organisations.set_password(org, email, new_password))
    _done("password_set", address, f"Set the password of {address}", as_json=as_json)


@users.command()
def revoke(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.")],
    *,
    org: Org = None,
    yes: Yes = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Take back all access that a user has given to programs."""
    confirm(f"End all tokens that programs have of {email}?", yes=yes)
    address, tokens = operate(home, lambda operator: operator.organisations.take_back(org, email))
    if as_json:
        print_json({"revoked": address, "refresh_tokens": tokens})
    else:
        typer.echo(f"Ended {counted(tokens, 'refresh token')} of {address}")


@clients.command("create")
def create_client(
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Its name on the page for consent.")],
    redirect_uri: Annotated[
        list[str] | None,
        typer.Option("--redirect-uri", metavar="URI", help="The URL to which people go after their consent."),
    ] = None,
    self_client: Annotated[
        bool, typer.Option("--self", help="A self client: it gets codes from `grant-code`.")
    ] = False,
    org: Org = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Register a client, and print its id and its secret. The secret is never shown again."""
    uris = tuple(redirect_uri or ())
    client, secret = operate(
        home, lambda operator: operator.clients.create(org, name, uris, self_client=self_client)
    )
    if as_json:
        print_json({"client": {**_client(client), "client_secret": secret}})
        return
    typer.echo(f"client_id      {client.client_id}")
    typer.echo(f"client_secret  {secret}")


@clients.command("list")
def list_clients(
    *,
    org: Annotated[
        str | None,
        typer.Option(
            "--org", metavar="SLUG", autocompletion=slugs, help="Only clients of this organisation."
        ),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List the registered clients, without their secrets."""
    registered = operate(home, lambda operator: operator.clients.list(org))
    documents = [{**_client(client), "organisation": row.slug} for client, row in registered]
    if as_json:
        print_json({"clients": documents})
        return
    columns = ("client_id", "name", "organisation", "kind")
    print_table(
        ("CLIENT ID", "NAME", "ORGANISATION", "KIND"),
        [[document[column] for column in columns] for document in documents],
    )


@clients.command("delete")
def delete_client(client: ClientId, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Delete a client and all its tokens for good."""
    confirm(f"Delete client {client} and all its tokens?", yes=yes)
    deleted = operate(home, lambda operator: operator.clients.remove(client))
    _done("deleted", deleted.client_id, f"Deleted client {deleted.name}", as_json=as_json)


@organisations.command("list")
def list_(*, home: Home = None, as_json: Json = False) -> None:
    """List organisations."""
    documents = [_document(row) for row in operate(home, lambda operator: operator.organisations.list())]
    if as_json:
        print_json({"organisations": documents})
        return
    columns = ("slug", "name", "id", "data_centre")
    header = ["SLUG", "NAME", "ID", "DATA CENTRE", "CREATED"]
    rows = [
        [*(document[column] for column in columns), document["created_at"].replace("+00:00", "Z")]
        for document in documents
    ]
    if any(document["server"] for document in documents):
        header.append("SERVER")
        rows = [[*row, document["server"] or "main"] for row, document in zip(rows, documents, strict=True)]
    print_table(header, rows)


@organisations.command()
def create(
    slug: Slug,
    *,
    name: FullName = None,
    time_zone: TimeZone = "UTC",
    data_centre: DataCentre = "us",
    sample: Sample = True,
    unique: Unique = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Create an organisation."""
    row = operate(
        home,
        lambda operator: operator.organisations.create(
            slug,
            name or slug,
            time_zone=time_zone,
            data_centre=data_centre,
            sample=sample,
            unique=tuple(unique or ()),
        ),
    )
    if as_json:
        print_json({"organisation": _document(row)})
    else:
        typer.echo(f"Created organisation {row.slug} ({row.id})")


@organisations.command()
def delete(slug: Slug, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Delete an organisation and everything in it for good."""
    confirm(f"Delete organisation {slug} and everything in it?", yes=yes)
    operate(home, lambda operator: operator.organisations.delete(slug))
    _done("deleted", slug, f"Deleted organisation {slug}", as_json=as_json)


@organisations.command()
def snapshot(slug: Slug, file: File, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Save the present state of an organisation to a file."""
    require_writable_place(file)
    if file.exists():
        confirm(f"Overwrite {file}?", yes=yes)
    operate(home, lambda operator: operator.organisations.snapshot(slug, file))
    _done("snapshot", str(file), f"Saved organisation {slug} to {file}", as_json=as_json)


@organisations.command()
def restore(slug: Slug, file: File, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Put an organisation back to the state in a snapshot."""
    if not file.exists():
        raise UsageError(f"There is no file {file}", help="`moorage crm org snapshot` makes a snapshot.")
    confirm(f"Undo every change in organisation {slug} since {file}?", yes=yes)
    operate(home, lambda operator: operator.organisations.restore(slug, file))
    _done("restored", slug, f"Restored organisation {slug} from {file}", as_json=as_json)


@organisations.command()
def reset(slug: Slug, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Put an organisation back to the state after its creation."""
    confirm(f"Undo every change in organisation {slug}?", yes=yes)
    operate(home, lambda operator: operator.organisations.reset(slug))
    _done("reset", slug, f"Reset organisation {slug}", as_json=as_json)


def _document(row: "OrganisationRow") -> dict[str, Any]:
    created_at = row.created_at.isoformat(timespec="seconds")
    return {
        # Ids are text, because they have more digits than a number in JavaScript can hold.
        "id": str(row.id),
        "slug": row.slug,
        "name": row.name,
        "data_centre": row.data_centre,
        "created_at": created_at,
        "server": row.server,
    }


def _client(client: "Client") -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "name": client.name,
        "kind": "self" if client.self_client else "server-based",
        "redirect_uris": list(client.redirect_uris),
        "created_at": datetime.fromtimestamp(int(client.created_at), UTC).isoformat(),
    }


def _done(key: str, value: str, line: str, *, as_json: bool) -> None:
    if as_json:
        print_json({key: value})
    else:
        typer.echo(line)
