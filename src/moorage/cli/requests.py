"""`moorage requests`: the calls that went through the gateway."""

from itertools import islice
from typing import Annotated

import typer

from moorage.cli import context
from moorage.cli.options import Json, Url
from moorage.cli.output import print_facts, print_json, print_table, second
from moorage.client import Request, RequestBodies

commands = typer.Typer(help="The calls that went through the gateway.", rich_markup_mode=None)

Query = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="QUERY", help="Which ones, such as 'status:>=400 module:Leads since:1h'.", show_default=False
    ),
]
_HEADER = ("AT", "STATUS", "MS", "KEY", "CONNECTION", "METHOD", "PATH", "REQUEST ID")


@commands.command("list")
def list_(
    query: Query = None,
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="How many at most.")] = 20,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """List calls, the newest first."""
    with context.client(url) as client:
        calls = list(islice(client.requests.list(_joined(query), limit=min(limit, 500)), limit))
    if as_json:
        print_json({"requests": calls})
    else:
        print_table(_HEADER, [_row(call) for call in calls])


@commands.command()
def show(
    request_id: Annotated[str, typer.Argument(metavar="ID", help="The X-Request-Id of the call's answer.")],
    *,
    bodies: Annotated[bool, typer.Option("--bodies", help="With the bodies that are kept of it.")] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Show one call."""
    with context.client(url) as client:
        call = client.requests.get(request_id)
        kept = client.requests.bodies(request_id) if bodies else None
    if as_json:
        print_json({"request": {**call, "bodies": kept} if bodies else call})
        return
    members = call | {"key": _named(call["key"], "name"), "connection": _named(call["connection"], "alias")}
    print_facts(members)
    if bodies:
        _show_bodies(kept)


def _show_bodies(kept: RequestBodies | None) -> None:
    if kept is None:
        typer.echo("\nNo bodies are kept of this call.")
        return
    for name, body in (("request", kept["request"]), ("answer", kept["answer"])):
        if body is not None:
            why = "" if body["why"] is None else f", {body['why']}"
            typer.echo(f"\n{name} body ({body['type'] or 'no type'}, {body['bytes']} bytes{why})")
            if body["text"] is not None:
                typer.echo(body["text"])


@commands.command()
def tail(query: Query = None, *, url: Url = None, as_json: Json = False) -> None:
    """Show calls as they end, until Ctrl-C."""
    with context.client(url) as client:
        for call in client.requests.tail(_joined(query)):
            if as_json:
                print_json(call)
            else:
                print(*("-" if cell is None else cell for cell in _row(call)), sep="  ", flush=True)


def _joined(query: list[str] | None) -> str:
    return " ".join(query or ())


def _row(call: Request) -> tuple[object, ...]:
    path = call["path"] if call["query"] is None else f"{call['path']}?{call['query']}"
    key, connection = _named(call["key"], "name"), _named(call["connection"], "alias")
    milliseconds = round(call["duration_ms"], 1)
    return (
        second(call["at"]),
        call["status"],
        milliseconds,
        key,
        connection,
        call["method"],
        path,
        call["request_id"],
    )


def _named(thing: dict[str, str | None] | None, name: str) -> str | None:
    """The name of a key or a connection; without a name its id."""
    return None if thing is None else thing[name] or thing["id"]
