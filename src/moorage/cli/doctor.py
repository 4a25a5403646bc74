"""`moorage doctor`: prints the findings of all checks."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import asdict

from moorage.cli import context
from moorage.cli.completion import connections
from moorage.cli.failures import Exit
from moorage.cli.options import Home, Json
from moorage.cli.output import print_json
from moorage.errors import SettingsInvalid

if TYPE_CHECKING:
    from moorage.doctor import Report
    from moorage.oauth.diagnosis.findings import Finding

Connection = Annotated[
    str | None,
    typer.Option(
        "--connection",
        metavar="ID",
        autocompletion=connections,
        help="Check only the connection with this id or alias.",
    ),
]


def doctor(*, connection: Connection = None, home: Home = None, as_json: Json = False) -> None:
    """Find problems, and say what to do, with or without a running server. Exits with 1 if there is a problem."""
    report = _examine(home, connection)
    if as_json:
        _print_json(report)
    else:
        for name, finding in _findings(report):
            first, *more = _lines(name, finding)
            typer.echo("\n".join([_coloured(first, finding.severity), *more]))
    if not report.is_healthy:
        raise typer.Exit(Exit.FAILED)


def _examine(home: Path | None, connection: str | None) -> "Report":
    # These modules take a while to load.
    from moorage.doctor import Check, Report, examine, failed  # noqa: PLC0415

    try:
        settings = context.settings(home)
        context.require_databases(settings)
    except SettingsInvalid as error:
        return Report([Check("settings", failed(error))])
    return asyncio.run(examine(settings, connection))


def _print_json(report: "Report") -> None:
    from moorage.oauth.diagnosis.service import diagnosis_document  # noqa: PLC0415

    checks = [{"check": check.name, **asdict(check.finding)} for check in report.checks]
    connections = [diagnosis_document(diagnosis) for diagnosis in report.connections]
    print_json({"healthy": report.is_healthy, "checks": checks, "connections": connections})


def _findings(report: "Report") -> Iterator[tuple[str, "Finding"]]:
    for check in report.checks:
        yield check.name, check.finding
    for diagnosis in report.connections:
        connection = diagnosis.connection
        alias = connection.labels.alias
        name = connection.id if alias is None else f"{alias}, {connection.id}"
        for finding in diagnosis.findings:
            yield f"connection {name} ({connection.app}, {connection.status})", finding


def _lines(name: str, finding: "Finding") -> Iterator[str]:
    """The lines of a finding. A finding without a problem has one line."""
    yield _plain(f"{finding.severity:<8} {name}: {finding.cause}")
    if finding.severity == "ok":
        return
    for label, text in (("evidence", finding.evidence), ("fix", finding.fix)):
        if text:
            yield _plain(f"{'':9}{label}: {text}")


def _coloured(line: str, severity: str) -> str:
    """The line with its severity in colour, at a terminal and unless NO_COLOR is set."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return line
    colour = {"ok": "green", "warning": "yellow"}.get(severity, "red")
    return f"{typer.style(severity, fg=colour)}{line.removeprefix(severity)}"


def _plain(text: str) -> str:
    """The text without control characters, because parts of it come from other servers."""
    return "".join(character if character.isprintable() else "�" for character in text)
