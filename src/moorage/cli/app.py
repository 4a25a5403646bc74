"""`moorage app`: the apps that can be connected."""

from typing import Any

import typer

from moorage.cli import context
from moorage.cli.options import Json, Url
from moorage.cli.output import print_json, print_table

commands = typer.Typer(help="The apps that can be connected.", rich_markup_mode=None)


@commands.command("list")
def list_(*, url: Url = None, as_json: Json = False) -> None:
    """List apps: how each is connected, and whether it can be connected now."""
    with context.client(url) as client:
        apps: list[dict[str, Any]] = client.request("GET", "/apps").json()["apps"]
    if as_json:
        print_json({"apps": apps})
        return
    rows = [(app["app"], app["title"], app["method"], _connectable(app), app["client"]) for app in apps]
    print_table(("APP", "TITLE", "METHOD", "CONNECTABLE", "CLIENT"), rows)


def _connectable(app: dict[str, Any]) -> str:
    """Says if an account of the app can be connected now, or only the embedded CRM."""
    if app["outside"]:
        return "yes"
    return "embedded CRM only" if app["embedded"] else "no"
