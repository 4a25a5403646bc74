"""`moorage app`: what can be connected."""

from typing import Any

import typer

from moorage.cli import context
from moorage.cli.options import Json, Url
from moorage.cli.output import print_json, print_table

commands = typer.Typer(help="The apps that can be connected.", rich_markup_mode=None)


@commands.command("list")
def list_(*, url: Url = None, as_json: Json = False) -> None:
    """List apps: how each is connected, and whether it can be now."""
    with context.client(url) as client:
        found: list[dict[str, Any]] = client.request("GET", "/apps").json()["apps"]
    if as_json:
        print_json({"apps": found})
        return
    rows = [(one["app"], one["title"], one["method"], _where(one), one["client"]) for one in found]
    print_table(("APP", "TITLE", "METHOD", "CONNECTABLE", "CLIENT"), rows)


def _where(app: dict[str, Any]) -> str:
    """Whether an account of the app can be connected now, or the CRM inside alone."""
    if app["outside"]:
        return "yes"
    return "embedded CRM only" if app["embedded"] else "no"
