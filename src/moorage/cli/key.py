"""`moorage key`: the API keys of this data folder."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import typer

from moorage.cli.durations import duration_in
from moorage.cli.failures import UsageError
from moorage.cli.operator import operate
from moorage.cli.options import Home, Json, PolicyMode, Yes
from moorage.cli.output import confirm, print_json, print_table
from moorage.keys.model import key_document
from moorage.keys.scopes import EVERYTHING

commands = typer.Typer(help="API keys, with which callers use the gateway.", rich_markup_mode=None)

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, from `moorage key list`.")]
_SHOWN_NAME = 12  # Characters of a name that the table shows.


@commands.command()
def create(
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What the key is for.")] = "key",
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", metavar="SCOPE", help="A right, such as proxy:zoho-crm:read. Default: all rights."
        ),
    ] = None,
    mode: Annotated[
        Literal["live", "test"],
        typer.Option(
            "--mode", metavar="live|test", help="A test key reaches only connections to the embedded CRM."
        ),
    ] = "live",
    expires_in: Annotated[
        str | None, typer.Option("--expires-in", metavar="TIME", help="Such as 12h or 90d. Default: never.")
    ] = None,
    policy: Annotated[
        PolicyMode | None,
        typer.Option(
            "--policy", metavar="MODE", help="open, cautious, strict or readonly. Default: by environment."
        ),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Create a key and print it. It is never shown again."""
    if not name.strip():
        raise UsageError("--name can't be empty", help="Write what the key is for.")
    lifetime = None if expires_in is None else duration_in("--expires-in", expires_in)
    if lifetime == timedelta():
        raise UsageError("--expires-in can't be 0", help="Use a time such as 90d.")
    document = None if policy is None else {"mode": policy}
    key, secret = operate(
        home, lambda operator: operator.keys_create(name, scopes or [], mode, lifetime, document)
    )
    if as_json:
        print_json({"key": key_document(key) | {"secret": secret}})
    else:
        typer.echo(secret)


@commands.command("list")
def list_(*, home: Home = None, as_json: Json = False) -> None:
    """List keys, without their secrets."""
    keys = operate(home, lambda operator: operator.keys_list())
    documents = [key_document(key) for key in keys]
    if as_json:
        print_json({"keys": documents})
        return
    header = ("ID", "NAME", "PREFIX", "LAST USED", "STATE", "SCOPES")
    print_table(header, [_row(document) for document in documents])


def _row(key: dict[str, Any]) -> tuple[object, ...]:
    """A row of the table, which fits in eighty characters for most keys. The prefix also shows the mode."""
    if key["revoked_at"]:
        state = f"revoked {_day(key['revoked_at'])}"
    elif key["expires_at"]:
        has_expired = datetime.fromisoformat(key["expires_at"]) <= datetime.now(UTC)
        state = f"{'ended' if has_expired else 'until'} {_day(key['expires_at'])}"
    else:
        state = "active"
    scopes = "all" if key["scopes"] == EVERYTHING.texts() else " ".join(key["scopes"])
    name = key["name"] if len(key["name"]) <= _SHOWN_NAME else f"{key['name'][: _SHOWN_NAME - 1]}…"
    last_used = key["last_used_at"] and _day(key["last_used_at"])
    # Nobody has the secret of a key of a grant, so its beginning helps nobody.
    prefix = key["prefix"] if key["grant"] is None else "(grant)"
    return key["id"], name, prefix, last_used, state, scopes


@commands.command()
def rotate(
    key_id: KeyId,
    *,
    overlap: Annotated[
        str, typer.Option("--overlap", metavar="TIME", help="The old secret works for this time; 0 ends it.")
    ] = "1h",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Give a key a new secret and print it. It is never shown again."""
    duration = duration_in("--overlap", overlap)
    key, secret = operate(home, lambda operator: operator.keys_rotate(key_id, duration))
    if as_json:
        print_json({"key": key_document(key) | {"secret": secret}})
    else:
        typer.echo(secret)


@commands.command()
def revoke(key_id: KeyId, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Revoke a key for good. It stops working within a second, also in a running server."""
    confirm(f"Revoke key {key_id}? Programs that use it will be refused.", yes=yes)
    key = operate(home, lambda operator: operator.keys_revoke(key_id))
    if as_json:
        print_json({"key": key_document(key)})
    else:
        typer.echo(f"Revoked key {key.id} ({key.name})")


def _day(time: str) -> str:
    return time.partition("T")[0]
