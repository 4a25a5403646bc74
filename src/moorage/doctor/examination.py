"""All checks, in their order: those that open nothing first, because what they find may keep databases from opening."""

from collections.abc import Callable

from moorage.connections.errors import ConnectionUnknown
from moorage.doctor import data_folder, opened, server
from moorage.doctor.report import NOT_STARTED, Check, Report, failed
from moorage.errors import MoorageError
from moorage.logs import silent_logs
from moorage.oauth.diagnosis.findings import Finding
from moorage.rooms import Urls, open_rooms
from moorage.serve.data_folder import read_note
from moorage.settings import Settings


async def examine(settings: Settings, connection: str | None = None) -> Report:
    """Check everything; of the connections, only the one with this id or alias, if given. Raises ConnectionUnknown."""
    report = Report(
        [
            _look("settings", data_folder.settings_files, settings),
            _look("data folder", data_folder.folder, settings),
        ]
    )
    if not _prevents_opening(report.checks[-1]):
        report.checks += [
            _look("disk", data_folder.disk, settings),
            _look("control database", data_folder.database, settings),
            _look("vault key", data_folder.vault_key, settings),
            _look("embedded CRM", data_folder.crm, settings),
        ]
    cannot_open = any(_prevents_opening(check) for check in report.checks)
    running = read_note(settings.home)
    report.checks.append(Check("server", server.running_server(running, settings.home)))
    if not settings.loopback and not (settings.public_url or "").startswith("https://"):
        report.checks.append(Check("network", server.plain_http(settings)))
    if cannot_open:
        cause = "The connections were not checked, because a check above failed or a part is missing."
        report.checks.append(Check("connections", Finding("not_looked_at", "warning", cause, "See above.")))
        return report
    try:
        with silent_logs():
            async with open_rooms(settings, Urls("", ""), make_key=False) as rooms:
                async for check in opened.checks(rooms, running):
                    report.checks.append(check)
                report.connections = await opened.connections(rooms, connection)
    except ConnectionUnknown:
        raise
    except (MoorageError, OSError) as error:
        report.checks.append(Check("databases", failed(error)))
    return report


def _look(name: str, check: Callable[[Settings], Finding], settings: Settings) -> Check:
    try:
        return Check(name, check(settings))
    except (MoorageError, OSError) as error:
        return Check(name, failed(error))


def _prevents_opening(check: Check) -> bool:
    """True if the databases can't be opened after this finding."""
    return check.finding.severity == "problem" or check.finding.code == NOT_STARTED
