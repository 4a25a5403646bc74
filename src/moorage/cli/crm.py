"""`moorage crm`: the organisations of the embedded CRM, and what a Zoho client needs to reach one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from moorage.cli import context, reading
from moorage.cli.failures import UsageError
from moorage.cli.operator import operate
from moorage.cli.options import Home, Json, Yes
from moorage.cli.output import confirm, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from moorage.crm.accounts.model import Client
    from moorage.crm.organisations.service import OrganisationRow
    from moorage.operator import Operator

T = TypeVar("T")

commands = typer.Typer(help="The embedded CRM.", rich_markup_mode=None)
organisations = typer.Typer(help="Its organisations.", rich_markup_mode=None)
clients = typer.Typer(help="Clients of its accounts server.", rich_markup_mode=None)
users = typer.Typer(help="Its users.", rich_markup_mode=None)
commands.add_typer(organisations, name="org")
commands.add_typer(clients, name="client")
commands.add_typer(users, name="user")

Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The organisation's short name.")]
Org = Annotated[
    str | None, typer.Option("--org", metavar="SLUG", help="Which organisation; else the oldest.")
]
ClientId = Annotated[str, typer.Argument(metavar="CLIENT", help="The client's id.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The snapshot.")]
FullName = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Its full name; else the short one.")
]
TimeZone = Annotated[
    str,
    typer.Option("--time-zone", metavar="ZONE", help="The zone its times are shown in, such as Europe/Oslo."),
]
DataCentre = Annotated[
    str,
    typer.Option("--data-centre", metavar="NAME", help="Where it lives: us, eu, in, au, jp, cn, ca or sa."),
]
Sample = Annotated[bool, typer.Option("--sample/--empty", help="With sample records, or without.")]
Unique = Annotated[
    list[str] | None,
    typer.Option("--unique", metavar="MODULE.FIELD", help="A field that may hold no value twice."),
]


@commands.command()
def credentials(
    *,
    org: Org = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Print what a Zoho SDK needs to reach the embedded CRM."""

    def look(operator: "Operator") -> dict[str, str]:
        settings = operator.settings
        return operator.credentials(org, settings.crm_public_url or context.crm(settings))

    found = _operate(home, look)
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        typer.echo(f"{name:14} {value}")


@commands.command("grant-code")
def grant_code(
    *,
    client: Annotated[str, typer.Option("--client", metavar="CLIENT", help="The id of a self client.")],
    scope: Annotated[
        str,
        typer.Option("--scope", metavar="SCOPES", help="What it may do: Zoho's scopes, separated by commas."),
    ] = "ZohoCRM.modules.ALL,ZohoCRM.settings.ALL,ZohoCRM.users.ALL,ZohoCRM.org.ALL",
    minutes: Annotated[
        int, typer.Option("--minutes", metavar="NUMBER", min=1, max=10, help="How long the code is good.")
    ] = 3,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Print a code that a self client exchanges for its tokens, once."""
    code = _operate(home, lambda operator: operator.clients.grant_code(client, scope, minutes))
    if as_json:
        print_json({"code": code, "expires_in": minutes * 60})
    else:
        typer.echo(code)


@users.command("list")
def list_users(*, org: Org = None, home: Home = None, as_json: Json = False) -> None:
    """List the users of an organisation who may sign in."""
    found = _operate(home, lambda operator: operator.organisations.users(org))
    documents = [{"id": str(one.id), "name": one.name, "email": one.email} for one in found]
    if as_json:
        print_json({"users": documents})
        return
    print_table(("EMAIL", "NAME", "ID"), [(one["email"], one["name"], one["id"]) for one in documents])


@users.command()
def password(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.")],
    *,
    org: Org = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Set the password with which a user signs in; it is asked for, or read from standard input."""
    chosen = reading.secret("Password", confirmed=True)
    known = _operate(home, lambda operator: operator.organisations.set_password(org, email, chosen))
    _done("password_set", known, f"Set the password of {known}", as_json=as_json)


@clients.command("create")
def create_client(
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What people read when it asks them.")],
    redirect_uri: Annotated[
        list[str] | None,
        typer.Option("--redirect-uri", metavar="URI", help="Where people go after their consent."),
    ] = None,
    self_client: Annotated[
        bool, typer.Option("--self", help="A self client: it gets codes from `grant-code`.")
    ] = False,
    org: Org = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Register a client, and print its id and its secret, which is shown this once."""
    uris = tuple(redirect_uri or ())
    made, secret = _operate(
        home, lambda operator: operator.clients.create(org, name, uris, self_client=self_client)
    )
    if as_json:
        print_json({"client": {**_client(made), "client_secret": secret}})
        return
    typer.echo(f"client_id      {made.client_id}")
    typer.echo(f"client_secret  {secret}")


@clients.command("list")
def list_clients(
    *,
    org: Annotated[
        str | None, typer.Option("--org", metavar="SLUG", help="Only this organisation's.")
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List the clients that were registered; never their secrets."""
    found = _operate(home, lambda operator: operator.clients.list(org))
    documents = [{**_client(client), "organisation": row.slug} for client, row in found]
    if as_json:
        print_json({"clients": documents})
        return
    columns = ("client_id", "name", "organisation", "kind")
    print_table(
        ("CLIENT ID", "NAME", "ORGANISATION", "KIND"), [[one[c] for c in columns] for one in documents]
    )


@clients.command("delete")
def delete_client(client: ClientId, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Delete a client and all its tokens for good."""
    confirm(f"Delete client {client} and all its tokens?", yes=yes)
    gone = _operate(home, lambda operator: operator.clients.remove(client))
    _done("deleted", gone.client_id, f"Deleted client {gone.name}", as_json=as_json)


@organisations.command("list")
def list_(*, home: Home = None, as_json: Json = False) -> None:
    """List organisations."""
    found = _operate(
        home,
        lambda operator: [
            _document(row, operator.organisations.data_centre(row)) for row in operator.organisations.list()
        ],
    )
    if as_json:
        print_json({"organisations": found})
        return
    columns = ("slug", "name", "id", "data_centre")
    rows = [(*(one[c] for c in columns), one["created_at"].replace("+00:00", "Z")) for one in found]
    print_table(("SLUG", "NAME", "ID", "DATA CENTRE", "CREATED"), rows)


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
    """Make an organisation."""
    row = _operate(
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
        print_json({"organisation": _document(row, data_centre)})
    else:
        typer.echo(f"Made organisation {row.slug} ({row.id})")


@organisations.command()
def delete(slug: Slug, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Delete an organisation and everything in it for good."""
    confirm(f"Delete organisation {slug} and everything in it?", yes=yes)
    _operate(home, lambda operator: operator.organisations.delete(slug))
    _done("deleted", slug, f"Deleted organisation {slug}", as_json=as_json)


@organisations.command()
def snapshot(slug: Slug, file: File, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Save an organisation as it is now to a file."""
    _require_place(file)
    if file.exists():
        confirm(f"Overwrite {file}?", yes=yes)
    _operate(home, lambda operator: operator.organisations.snapshot(slug, file))
    _done("snapshot", str(file), f"Saved organisation {slug} to {file}", as_json=as_json)


@organisations.command()
def restore(slug: Slug, file: File, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Put an organisation back to what a snapshot holds."""
    if not file.exists():
        raise UsageError(f"There is no file {file}", help="`moorage crm org snapshot` makes one.")
    confirm(f"Forget every change in organisation {slug} since {file}?", yes=yes)
    _operate(home, lambda operator: operator.organisations.restore(slug, file))
    _done("restored", slug, f"Restored organisation {slug} from {file}", as_json=as_json)


@organisations.command()
def reset(slug: Slug, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Put an organisation back to how it was made."""
    confirm(f"Forget every change in organisation {slug}?", yes=yes)
    _operate(home, lambda operator: operator.organisations.reset(slug))
    _done("reset", slug, f"Reset organisation {slug}", as_json=as_json)


def _require_place(file: Path) -> None:
    if file.is_dir():
        raise UsageError(f"{file} is a folder", help="Name a file in it.")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {file.absolute().parent}", help="Make it first.")


def _operate(home: Path | None, act: "Callable[[Operator], T]") -> T:
    async def awaited(operator: "Operator") -> T:
        return act(operator)

    return operate(home, awaited)


def _document(row: "OrganisationRow", data_centre: str) -> dict[str, Any]:
    created_at = row.created_at.isoformat(timespec="seconds")
    return {
        # As text, as ids are everywhere: they have more digits than JavaScript keeps of a number.
        "id": str(row.id),
        "slug": row.slug,
        "name": row.name,
        "data_centre": data_centre,
        "created_at": created_at,
    }


def _client(client: "Client") -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "name": client.name,
        "kind": "self" if client.self_client else "server-based",
        "redirect_uris": list(client.redirect_uris),
        "created_at": datetime.fromtimestamp(int(client.created_at), UTC).isoformat(),
    }


def _done(what: str, value: str, line: str, *, as_json: bool) -> None:
    if as_json:
        print_json({what: value})
    else:
        typer.echo(line)
