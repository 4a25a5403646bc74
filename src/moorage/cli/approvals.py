"""`moorage approvals`: the calls of this key that wait for a person."""

import sys
from typing import Annotated, Any

import typer

from moorage.cli import context
from moorage.cli.options import Json, Url
from moorage.cli.output import print_json, print_table
from moorage.client import Approval, Response

commands = typer.Typer(
    help="Calls that wait for a person. People decide on them in a browser.", rich_markup_mode=None
)

ApprovalId = Annotated[
    str, typer.Argument(metavar="ID", help="The held call, from `moorage approvals list`.")
]


@commands.command("list")
def list_(
    *,
    state: Annotated[
        str | None, typer.Option("--state", metavar="STATE", help="Such as waiting, sent or declined.")
    ] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """List held calls, the newest first."""
    with context.client(url) as client:
        approvals = client.approvals.list(state=state)
    if as_json:
        print_json({"approvals": approvals})
    else:
        print_table(("ID", "STATE", "UNTIL", "KEY", "WHAT"), [_row(approval) for approval in approvals])


@commands.command()
def show(approval_id: ApprovalId, *, url: Url = None, as_json: Json = False) -> None:
    """Show a held call: its state, who decided, and the page on which a person decides."""
    with context.client(url) as client:
        approval = client.approvals.get(approval_id)
    if as_json:
        print_json({"approval": approval})
        return
    members = approval | {name: approval[name]["name"] for name in ("key", "connection", "operation")}
    width = max(map(len, members))
    for name, value in members.items():
        if value is not None:
            typer.echo(f"{name:{width}}  {value}")


@commands.command()
def answer(approval_id: ApprovalId, *, url: Url = None, as_json: Json = False) -> None:
    """Print the body of the app's answer to a call that was sent. It is kept for a day."""
    with context.client(url) as client:
        response = client.approvals.answer(approval_id)
    if as_json:
        print_json({"status": response.status, "headers": response.headers, "body": _body(response)})
    else:
        sys.stdout.buffer.write(response.body)
        sys.stdout.buffer.flush()


@commands.command()
def cancel(approval_id: ApprovalId, *, url: Url = None, as_json: Json = False) -> None:
    """Take back a call that waits. Only the key that made it can do this."""
    with context.client(url) as client:
        approval = client.approvals.cancel(approval_id)
    if as_json:
        print_json({"approval": approval})
    else:
        typer.echo(f"Cancelled {approval['id']} ({approval['words']})")


def _body(response: Response) -> Any:
    """The body: of JSON its value, else its text."""
    try:
        return response.json()
    except ValueError:
        return response.body.decode("utf-8", "replace")


def _row(approval: Approval) -> tuple[object, ...]:
    until = approval["expires_at"].partition(".")[0].replace("T", " ")
    return approval["id"], approval["state"], until, approval["key"]["name"], approval["words"]
