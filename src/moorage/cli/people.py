"""`moorage people`: the people who sign in with a browser."""

from typing import TYPE_CHECKING, Annotated

import typer

from moorage.cli import context
from moorage.cli.failures import note
from moorage.cli.operator import operate
from moorage.cli.options import Home, Json, Yes
from moorage.cli.output import confirm, print_json, print_table
from moorage.people.model import ROLES, person_document, read_role, welcome_url

if TYPE_CHECKING:
    from pathlib import Path

    from moorage.people import Person

commands = typer.Typer(help="People who sign in with a browser.", rich_markup_mode=None)

Who = Annotated[str, typer.Argument(metavar="WHO", help="The person's e-mail address, or id.")]
RoleOption = Annotated[str, typer.Option("--role", metavar="ROLE", help=f"One of {', '.join(ROLES)}.")]
RoleArgument = Annotated[str, typer.Argument(metavar="ROLE", help=f"One of {', '.join(ROLES)}.")]


@commands.command("list")
def list_(*, home: Home = None, as_json: Json = False) -> None:
    """List people, and when each signed in last."""
    documents = [person_document(person) for person in operate(home, lambda operator: operator.people.list())]
    if as_json:
        print_json({"people": documents})
        return
    rows = [
        (
            person["id"],
            person["email"],
            person["role"],
            person["signed_in_at"] and person["signed_in_at"].partition("T")[0],
            "active" if person["has_joined"] else "invited",
        )
        for person in documents
    ]
    print_table(("ID", "EMAIL", "ROLE", "SIGNED IN", "STATE"), rows)


@commands.command()
def invite(
    email: Annotated[
        str | None, typer.Argument(metavar="EMAIL", help="Default: whoever has the link says who they are.")
    ] = None,
    *,
    role: RoleOption,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Default: the address.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Invite a person, and print the link with which they choose a password. It works once, for a day."""
    right, base_url = read_role(role), _base_url(home)
    person, token = operate(home, lambda operator: operator.people.invite(email, name, right))
    _print_link(person, welcome_url(base_url, token), as_json=as_json)


@commands.command("role")
def role_(who: Who, role: RoleArgument, *, home: Home = None, as_json: Json = False) -> None:
    """Give a person another role. It ends their sessions."""
    right = read_role(role)
    person = operate(home, lambda operator: operator.people.change_role(who, right))
    if as_json:
        print_json({"person": person_document(person)})
    else:
        typer.echo(f"{person.email} is {person.role} now")


@commands.command()
def remove(who: Who, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Remove a person. Their sessions end at once."""
    confirm(f"Remove {who}?", yes=yes)
    person = operate(home, lambda operator: operator.people.remove(who))
    if as_json:
        print_json({"person": person_document(person)})
    else:
        typer.echo(f"Removed {person.email} ({person.role})")


@commands.command()
def reset(who: Who, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Take a person's password, second factor and sessions, and print a link to choose a new password."""
    confirm(f"Reset {who}? The password stops working at once.", yes=yes)
    base_url = _base_url(home)
    person, token = operate(home, lambda operator: operator.people.reset(who))
    _print_link(person, welcome_url(base_url, token), as_json=as_json)


def _base_url(home: "Path | None") -> str:
    """The address of the server for people. Raises UsageError while it is not known."""
    settings = context.settings(home)
    return settings.public_url or context.gateway(settings)


def _print_link(person: "Person | None", link: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"person": person and person_document(person), "link": link})
        return
    typer.echo(link)
    note("The link works once, for a day. Whoever has it becomes this person.")
