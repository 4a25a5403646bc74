"""`moorage config`: whether the settings are valid, and where each of them comes from."""

import os
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import typer

from moorage.cli import context
from moorage.cli.failures import Exit
from moorage.cli.options import Config, Home, Json
from moorage.cli.output import print_json, print_table
from moorage.errors import SettingsInvalid
from moorage.serve.data_folder import open_paths, read_note
from moorage.settings import find_home, load_with_file, unknown_variables
from moorage.settings.shown import shown

commands = typer.Typer(
    help="The settings: are they valid, and where do they come from?", rich_markup_mode=None
)


class Finding(msgspec.Struct, frozen=True):
    """A fault keeps `moorage up` from starting; a warning does not."""

    severity: Literal["fault", "warning"]
    message: str


@commands.command()
def check(*, home: Home = None, config: Config = None, as_json: Json = False) -> None:
    """Check the settings and the files of apps that `moorage up` would use. Exits with 7 if it would not start."""
    findings = list(_findings(home=home, config=config))
    is_valid = all(finding.severity == "warning" for finding in findings)
    if as_json:
        documents = [{"severity": finding.severity, "message": finding.message} for finding in findings]
        print_json({"valid": is_valid, "findings": documents})
    else:
        for finding in findings:
            typer.echo(f"{finding.severity:8} {finding.message}")
        if not findings:
            typer.echo("The settings are valid.")
    if not is_valid:
        raise typer.Exit(Exit.SETTINGS_INVALID)


def _findings(**options: Any) -> Iterator[Finding]:
    from moorage.oauth.apps.providers import Providers  # noqa: PLC0415 (it loads a library)

    for sentence in unknown_variables(os.environ):
        yield Finding("warning", sentence)
    try:
        settings = load_with_file(os.environ, **options)
        home = settings.home
        for path, mode in open_paths(settings):
            yield Finding(
                "warning", f"Other users may read {path}, whose mode is {mode:04o}: `chmod go= {path}`."
            )
    except SettingsInvalid as error:
        for fault in error.faults:
            yield Finding("fault", fault)
        try:
            home = find_home(os.environ, **options)
        except SettingsInvalid:
            return
    try:
        Providers(home / "providers")
    except SettingsInvalid as error:
        for fault in error.faults:
            yield Finding("fault", fault)


@commands.command()
def show(*, home: Home = None, config: Config = None, as_json: Json = False) -> None:
    """Show each setting, its value, and where it comes from: the settings of the running server, if one runs."""
    settings = (
        context.settings(home) if config is None else load_with_file(os.environ, home=home, config=config)
    )
    running = read_note(settings.home) if config is None else None
    rows = shown(settings)
    if as_json:
        file = None if settings.file is None else str(settings.file)
        print_json({"server_runs": running is not None, "file": file, "settings": rows})
        return
    print_table(
        ["SETTING", "VALUE", "FROM"], [[row["name"], _text(row["value"]), row["source"]] for row in rows]
    )
    typer.echo("")
    if running is not None:
        typer.echo(f"The server at {running.gateway} runs with these settings.")
    else:
        typer.echo(
            "No server runs. `moorage up` would start with these settings, if its options name no others."
        )


def _text(value: object) -> str | None:
    match value:
        case None | [] | "":
            return None
        case bool():
            return "on" if value else "off"
        case list():
            return ", ".join(value)
        case float():
            return f"{value:g}"
        case _:
            return str(value)
