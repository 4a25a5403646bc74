"""The commands of `moorage mcp`."""

from pathlib import Path
from typing import Annotated

import typer

from moorage.cli import context
from moorage.cli.failures import UsageError, note
from moorage.cli.mcp import installing, stored_keys
from moorage.cli.mcp.clients import CLIENTS, KEY, ClientName
from moorage.cli.mcp.configuration import Change
from moorage.cli.mcp.installing import Profile, Scope, Wish
from moorage.cli.options import Json, Url, Yes
from moorage.cli.output import confirm, print_json

commands = typer.Typer(help="Connect an agent, which speaks MCP.", rich_markup_mode=None)

Connection = Annotated[
    str | None,
    typer.Option(
        "--connection",
        metavar="ALIAS",
        help="Only this connection: tools then take no account. Default: all.",
    ),
]
ProfileOption = Annotated[
    Profile | None,
    typer.Option("--profile", metavar="maton|ops|lab", help="Other tools than those of the CRM."),
]
StoredKey = Annotated[
    str | None,
    typer.Option("--key", metavar="NAME", help="A stored key, in place of MOORAGE_API_KEY."),
]
NewKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="NAME",
        help="The stored key to use. Without such a key, a cautious one is made and stored.",
    ),
]
Client = Annotated[
    ClientName,
    typer.Option(
        "--client", metavar="PROGRAM", help="claude (Claude Code), claude-desktop, cursor, vscode or codex."
    ),
]
ScopeOption = Annotated[
    Scope,
    typer.Option(
        "--scope", metavar="user|project", help="For you everywhere, or for this folder and its people."
    ),
]
Name = Annotated[str, typer.Option("--name", metavar="NAME", help="What the program calls the server.")]
PrintOnly = Annotated[bool, typer.Option("--print", help="Show the change, and change nothing.")]


@commands.callback(invoke_without_command=True)
def mcp(
    called: typer.Context,
    *,
    connection: Connection = None,
    profile: ProfileOption = None,
    key: StoredKey = None,
    url: Url = None,
) -> None:
    """Connect an agent: without a command, pass messages of MCP between the program that started this and a server."""
    wish = Wish(connection, profile, key, url)
    if called.invoked_subcommand is not None:
        if wish != Wish(None, None, None, None):
            raise UsageError(f"Options of `moorage mcp {called.invoked_subcommand}` stand behind these words")
        return
    from moorage.cli.mcp.stdio import serve  # noqa: PLC0415 (the other commands do not need it)

    path = wish.path()
    context.named_address(url)  # A mistake in it is told at once, and to whoever typed it.
    serve(lambda: context.client(url, None if key is None else stored_keys.read(key)), path)


@commands.command()
def install(
    *,
    client: Client,
    scope: ScopeOption = "user",
    name: Name = "moorage",
    connection: Connection = None,
    profile: ProfileOption = None,
    key: NewKey = None,
    http: Annotated[
        bool,
        typer.Option("--http", help="Let the program call the server's URL itself, and sign in with OAuth."),
    ] = False,
    with_key: Annotated[
        bool, typer.Option("--with-key", help="With --http: let it send the key in MOORAGE_API_KEY instead.")
    ] = False,
    print_only: PrintOnly = False,
    url: Url = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Write a program's configuration, so that its agent has the tools of a server. It shows the change first."""
    if with_key and not http:
        raise UsageError("--with-key needs --http", help="Without --http, MOORAGE_API_KEY is used anyway.")
    wish = Wish(connection, profile, key, url)
    wish.path()  # Raises if the options contradict each other.
    server = installing.remote(wish, with_key=with_key) if http else installing.started(wish, scope)
    change = installing.adding(client, scope, name, server)
    makes_key = wish.needs_key()
    _show(change, as_json=as_json)
    if print_only:
        _tell(change, as_json=as_json)
        return
    if makes_key:
        confirm(f"Make the key {key} for the agent, and store it?", yes=yes)
        wish.make_key()
    copied = _write(change, yes=yes)
    _tell(change, as_json=as_json, is_done=True, made_key=key if makes_key else None, copied=copied)
    if not as_json and change.is_needed:
        typer.echo(CLIENTS[client].restart)
    if not http and key is None and not context.has_key():
        note(f"Set {KEY} where {CLIENTS[client].title} starts, or use --key with a name.")


@commands.command()
def uninstall(
    *,
    client: Client,
    scope: ScopeOption = "user",
    name: Name = "moorage",
    print_only: PrintOnly = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Take the entry out of a program's configuration. Keys stay as they are."""
    change = installing.removing(client, scope, name)
    _show(change, as_json=as_json)
    if print_only:
        _tell(change, as_json=as_json)
        return
    copied = _write(change, yes=yes)
    _tell(change, as_json=as_json, is_done=True, copied=copied)


def _show(change: Change, *, as_json: bool) -> None:
    if not as_json:
        typer.echo(change.diff() if change.is_needed else f"{change.file} needs no change.")


def _write(change: Change, *, yes: bool) -> Path | None:
    """Ask, and write the file if it changes. Returns the copy of the old one, if there is one."""
    if not change.is_needed:
        return None
    confirm(f"Write {change.file}?", yes=yes)
    return change.write()


def _tell(
    change: Change,
    *,
    as_json: bool,
    is_done: bool = False,
    made_key: str | None = None,
    copied: Path | None = None,
) -> None:
    """Say what was done; as JSON, say also what would be."""
    key_file = None if made_key is None else str(stored_keys.file_of(made_key))
    if as_json:
        facts = {
            "file": str(change.file),
            "changes": change.is_needed,
            "written": is_done and change.is_needed,
        }
        print_json(facts | {"diff": change.diff(), "copy": copied and str(copied), "key_file": key_file})
        return
    if key_file is not None:
        typer.echo(f"The key {made_key} is in {key_file}.")
    if is_done and change.is_needed:
        typer.echo(f"Wrote {change.file}." + (f" As it was: {copied}" if copied else ""))
