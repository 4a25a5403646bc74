"""`moorage crm`: the organisations of the embedded CRM, and what a Zoho client needs to reach one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from moorage.cli import reach
from moorage.cli.failures import UsageError
from moorage.cli.operator import operate
from moorage.cli.options import Home, Json, Yes
from moorage.cli.output import confirm, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from moorage.app import Operator, OrganisationRow

T = TypeVar("T")

commands = typer.Typer(help="The embedded CRM.", rich_markup_mode=None)
organisations = typer.Typer(help="Its organisations.", rich_markup_mode=None)
commands.add_typer(organisations, name="org")

Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The organisation's short name.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The snapshot.")]


@commands.command()
def credentials(
    *,
    org: Annotated[
        str | None, typer.Option("--org", metavar="SLUG", help="Which organisation; else the oldest.")
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Print what a Zoho SDK needs to reach the embedded CRM."""
    # Deferred like everything that loads the server's rooms.
    from moorage.app import Urls  # noqa: PLC0415

    settings = reach.settings(home)
    where = reach.server(settings)
    urls = Urls(gateway=settings.public_url or where.gateway, crm=settings.crm_public_url or where.crm)
    found = _operate(home, lambda operator: operator.credentials(org, urls))
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        typer.echo(f"{name:14} {value}")


@organisations.command("list")
def list_(*, home: Home = None, as_json: Json = False) -> None:
    """List organisations."""
    rows = _operate(home, lambda operator: operator.organisations.list())
    if as_json:
        print_json({"organisations": [_document(row) for row in rows]})
        return
    columns = ("slug", "name", "id", "created_at")
    print_table([c.upper() for c in columns], [[_document(row)[c] for c in columns] for row in rows])


@organisations.command()
def create(
    slug: Slug,
    *,
    name: Annotated[str | None, typer.Option("--name", help="Its full name; else the short one.")] = None,
    time_zone: Annotated[
        str, typer.Option("--time-zone", help="The zone its times are shown in, such as Europe/Oslo.")
    ] = "UTC",
    sample: Annotated[bool, typer.Option("--sample/--empty", help="With sample records, or without.")] = True,
    unique: Annotated[
        list[str] | None,
        typer.Option("--unique", metavar="MODULE.FIELD", help="A field that may hold no value twice."),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make an organisation."""
    row = _operate(
        home,
        lambda operator: operator.organisations.create(
            slug, name or slug, time_zone=time_zone, sample=sample, unique=tuple(unique or ())
        ),
    )
    if as_json:
        print_json({"organisation": _document(row)})
    else:
        typer.echo(f"Made organisation {row.slug} ({row.id})")


@organisations.command()
def delete(slug: Slug, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Delete an organisation and everything in it for good."""
    confirm(f"Delete organisation {slug} and everything in it?", yes=yes)
    _operate(home, lambda operator: operator.organisations.delete(slug))
    _done("deleted", slug, f"Deleted organisation {slug}", as_json=as_json)


@organisations.command()
def snapshot(slug: Slug, file: File, *, home: Home = None, as_json: Json = False) -> None:
    """Save an organisation as it is now to a file."""
    _require_place(file)
    _operate(home, lambda operator: operator.organisations.snapshot(slug, file))
    _done("snapshot", str(file), f"Saved organisation {slug} to {file}", as_json=as_json)


@organisations.command()
def restore(slug: Slug, file: File, *, home: Home = None, as_json: Json = False) -> None:
    """Put an organisation back to what a snapshot holds."""
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


def _document(row: "OrganisationRow") -> dict[str, Any]:
    created_at = row.created_at.isoformat(timespec="seconds")
    # As text, as ids are everywhere: they have more digits than JavaScript keeps of a number.
    return {"id": str(row.id), "slug": row.slug, "name": row.name, "created_at": created_at}


def _done(what: str, value: str, line: str, *, as_json: bool) -> None:
    if as_json:
        print_json({what: value})
    else:
        typer.echo(line)
