"""`moorage approvals`: the calls of this key that wait for a person."""

import sys
from typing import Annotated

import typer

from moorage.cli import context
from moorage.cli.options import Json, Url
from moorage.cli.output import print_facts, print_json, print_table, second
from moorage.cli.responses import response_document
from moorage.client import Approval

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
    print_facts(members)


@commands.command()
def answer(approval_id: ApprovalId, *, url: Url = None, as_json: Json = False) -> None:
    """Print the body of the app's answer to a call that was sent. It is kept for a day."""
    with context.client(url) as client:
        response = client.approvals.answer(approval_id)
    if as_json:
        print_json(response_document(response))
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


def _row(approval: Approval) -> tuple[object, ...]:
    until = second(approval["expires_at"])
    return approval["id"], approval["state"], until, approval["key"]["name"], approval["words"]
