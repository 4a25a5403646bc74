"""The commands of `moorage mcp`."""

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
    ended = wish.key is not None and not wish.needs_key() and wish.key_has_ended()
    is_written = _carry_out(change, wish, print_only=print_only, yes=yes, as_json=as_json)
    if ended:
        file = stored_keys.file_of(wish.key or "")
        note(f"The stored key {wish.key} was revoked, or has ended. Remove {file}, and run this again.")
    if is_written and not as_json:
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
    _carry_out(change, None, print_only=print_only, yes=yes, as_json=as_json)


def _carry_out(change: Change, wish: Wish | None, *, print_only: bool, yes: bool, as_json: bool) -> bool:
    """Show a change, ask, and make it, and the key that the wish needs. Returns True if the file was written."""
    key = wish.key if wish is not None and wish.needs_key() else None
    if not as_json:
        typer.echo(change.diff() if change.is_needed else f"{change.file} needs no change.")
    copied, is_written = None, False
    if not print_only and (key is not None or change.is_needed):
        confirm(_question(change, key), yes=yes)
        if wish is not None and key is not None:
            wish.make_key()
        if change.is_needed:
            copied, is_written = change.write(), True
    facts = {
        "file": str(change.file),
        "changes": change.is_needed,
        "written": is_written,
        "copy": None if copied is None else str(copied),
        "key_file": None if key is None or print_only else str(stored_keys.file_of(key)),
    }
    if as_json:
        print_json(facts | {"diff": change.diff()})
        return is_written
    if facts["key_file"]:
        typer.echo(f"The key {key} is in {facts['key_file']}.")
    if is_written:
        typer.echo(f"Wrote {change.file}." + (f" As it was: {copied}" if copied else ""))
    return is_written


def _question(change: Change, key: str | None) -> str:
    if key is None:
        return f"Write {change.file}?"
    return f"Make the key {key} for the agent{f', and write {change.file}' if change.is_needed else ''}?"
