"""`moorage key`: the API keys of this data folder."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from moorage.cli.operator import operate
from moorage.cli.options import Home, Json
from moorage.cli.output import print_json, print_table

if TYPE_CHECKING:
    from moorage.keys import ApiKey

commands = typer.Typer(help="API keys: what callers of the gateway hold.", rich_markup_mode=None)


@commands.command()
def create(
    *,
    name: Annotated[str, typer.Option("--name", help="What the key is for.")] = "key",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it. It is shown this once."""
    key, secret = operate(home, lambda operator: operator.keys_create(name))
    if as_json:
        print_json({"key": _document(key) | {"secret": secret}})
    else:
        typer.echo(secret)


@commands.command("list")
def list_(*, home: Home = None, as_json: Json = False) -> None:
    """List keys, never their secrets."""
    keys = operate(home, lambda operator: operator.keys_list())
    if as_json:
        print_json({"keys": [_document(key) for key in keys]})
        return
    documents = [_document(key) for key in keys]
    columns = ("id", "name", "created_at", "last_used_at", "revoked_at")
    print_table([c.upper() for c in columns], [[document[c] for c in columns] for document in documents])


@commands.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, from `moorage key list`.")],
    *,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make a key useless, within a second, for every running worker."""
    key = operate(home, lambda operator: operator.keys_revoke(key_id))
    if as_json:
        print_json({"key": _document(key)})
    else:
        typer.echo(f"Revoked key {key.id} ({key.name})")


def _document(key: "ApiKey") -> dict[str, Any]:
    times = {name: getattr(key, name) for name in ("created_at", "last_used_at", "revoked_at")}
    shown = {name: time and time.isoformat(timespec="seconds") for name, time in times.items()}
    return {"id": key.id, "name": key.name, **shown}
