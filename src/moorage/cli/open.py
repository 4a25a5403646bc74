"""`moorage open`: opens the console, and signs in whoever is at this machine."""

from typing import TYPE_CHECKING, Annotated

import typer

from moorage.cli import context
from moorage.cli.browser import has_browser, open_apart
from moorage.cli.failures import UsageError, note
from moorage.cli.operator import operate
from moorage.cli.options import Home, Json
from moorage.cli.output import print_json
from moorage.people.model import entry_url
from moorage.serve.data_folder import read_note

if TYPE_CHECKING:
    from pathlib import Path

Who = Annotated[
    str | None,
    typer.Argument(metavar="WHO", help="A person's e-mail address, or id. Default: the first owner."),
]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Print the link, and open nothing.")]


def open(*, who: Who = None, no_browser: NoBrowser = False, home: Home = None, as_json: Json = False) -> None:  # noqa: A001 (the name of the command)
    """Open the console in the browser of this machine, signed in."""
    link = _link(home, who)
    if as_json:
        print_json({"link": link})
        return
    typer.echo(link)
    if has_browser() and not no_browser:
        open_apart(link)


def _link(home: "Path | None", who: str | None) -> str:
    settings = context.settings(home)
    running = read_note(settings.home)
    if running is None:
        raise UsageError("No server runs on this data folder", help="Start it: `moorage up`.")
    if not settings.is_only_here:
        note(
            "People sign in at this address with their passwords, because other machines reach this server."
            " `moorage people reset` makes a link for somebody who has none yet."
        )
        return f"{settings.public_url or running.gateway}/console"
    _, token = operate(home, lambda operator: operator.people.entry(who))
    note("The link signs in once, within a quarter of an hour, on this machine.")
    return entry_url(running.gateway, token)
