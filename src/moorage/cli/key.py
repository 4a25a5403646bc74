"""`moorage key`: the API keys of this data folder."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import typer

from moorage.cli.failures import UsageError
from moorage.cli.operator import operate
from moorage.cli.options import Home, Json, Yes
from moorage.cli.output import confirm, print_json, print_table
from moorage.keys.model import key_document
from moorage.keys.scopes import EVERYTHING

commands = typer.Typer(help="API keys: what callers of the gateway hold.", rich_markup_mode=None)

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, from `moorage key list`.")]
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST_NAME = 12  # Characters that are shown.
_LONGEST = timedelta(days=100 * 365)


@commands.command()
def create(
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What the key is for.")] = "key",
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", metavar="SCOPE", help="What it may do, such as proxy:zoho-crm:read; else all."
        ),
    ] = None,
    mode: Annotated[
        Literal["live", "test"],
        typer.Option(
            "--mode", metavar="live|test", help="A test key reaches connections to the embedded CRM only."
        ),
    ] = "live",
    expires_in: Annotated[
        str | None, typer.Option("--expires-in", metavar="TIME", help="Such as 12h or 90d; else never.")
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it. It is shown this once."""
    if not name.strip():
        raise UsageError("--name can't be empty", help="Say what the key is for.")
    lasts = None if expires_in is None else _duration("--expires-in", expires_in)
    if lasts == timedelta():
        raise UsageError("--expires-in can't be 0")
    key, secret = operate(home, lambda operator: operator.keys_create(name, scopes or [], mode, lasts))
    if as_json:
        print_json({"key": key_document(key) | {"secret": secret}})
    else:
        typer.echo(secret)


@commands.command("list")
def list_(*, home: Home = None, as_json: Json = False) -> None:
    """List keys, never their secrets."""
    keys = operate(home, lambda operator: operator.keys_list())
    documents = [key_document(key) for key in keys]
    if as_json:
        print_json({"keys": documents})
        return
    header = ("ID", "NAME", "PREFIX", "LAST USED", "STATE", "SCOPES")
    print_table(header, [_row(one) for one in documents])


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    """A line of eighty characters for most keys; --json has everything. The prefix says the mode, too."""
    if one["revoked_at"]:
        state = f"revoked {_day(one['revoked_at'])}"
    elif one["expires_at"]:
        over = datetime.fromisoformat(one["expires_at"]) <= datetime.now(UTC)
        state = f"{'ended' if over else 'until'} {_day(one['expires_at'])}"
    else:
        state = "active"
    scopes = "all" if one["scopes"] == EVERYTHING.texts() else " ".join(one["scopes"])
    name = one["name"] if len(one["name"]) <= _LONGEST_NAME else f"{one['name'][: _LONGEST_NAME - 1]}…"
    return (
        one["id"],
        name,
        one["prefix"],
        one["last_used_at"] and _day(one["last_used_at"]),
        state,
        scopes,
    )


@commands.command()
def rotate(
    key_id: KeyId,
    *,
    overlap: Annotated[
        str, typer.Option("--overlap", metavar="TIME", help="How long the old secret still works; 0 ends it.")
    ] = "1h",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Give a key a new secret and print it. It is shown this once."""
    lasts = _duration("--overlap", overlap)
    key, secret = operate(home, lambda operator: operator.keys_rotate(key_id, lasts))
    if as_json:
        print_json({"key": key_document(key) | {"secret": secret}})
    else:
        typer.echo(secret)


@commands.command()
def revoke(key_id: KeyId, *, yes: Yes = False, home: Home = None, as_json: Json = False) -> None:
    """Make a key useless, within a second, for every running worker."""
    confirm(f"Revoke key {key_id}? Whoever holds it is refused from then on.", yes=yes)
    key = operate(home, lambda operator: operator.keys_revoke(key_id))
    if as_json:
        print_json({"key": key_document(key)})
    else:
        typer.echo(f"Revoked key {key.id} ({key.name})")


def _day(time: str) -> str:
    return time.partition("T")[0]


def _duration(option: str, text: str) -> timedelta:
    """Such as 90d. Raises UsageError."""
    found = re.fullmatch(r"(\d{1,6})([smhdw])|0", text, re.ASCII)
    lasts = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found and found[1] else timedelta()
    if found is None or lasts > _LONGEST:
        raise UsageError(
            f"{option} can't be {text!r}", help="Use a number with s, m, h, d or w, such as 90d."
        )
    return lasts
