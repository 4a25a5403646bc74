"""The checks of the server that runs on the data folder."""

from pathlib import Path

from moorage.client import ApiError, ClientError, Moorage, Response
from moorage.doctor.report import NEARLY_FULL
from moorage.oauth.diagnosis.findings import Finding
from moorage.serve.data_folder import Running, read_left_note
from moorage.settings import Settings

SERVER_SECONDS = 5.0


def running_server(running: Running | None, home: Path) -> Finding:
    if running is None:
        evidence = "No process holds the lock of the data folder."
        if (killed := read_left_note(home)) is not None:
            last = f"process {killed.pid}, {killed.gateway}"
            evidence += f" The last server ({last}) was killed, or this folder is a copy."
        return Finding("not_running", "ok", "No server runs.", evidence)
    where = f"process {running.pid}, {running.gateway}"
    try:
        # /readyz needs no valid API key.
        with Moorage("none", running.gateway, timeout=SERVER_SECONDS) as client:
            response = client.request("GET", "/readyz")
    except ApiError as error:
        cause = error.message or f"The server answered with {error.status}."
        fix = error.detail if isinstance(error.detail, str) else "See the log of the server."
        return Finding(error.code or "internal", "problem", cause, f"It is {where}.", fix)
    except ClientError as error:
        cause, fix = "The server does not answer.", "See its log, then stop it and start it again."
        return Finding("server_silent", "problem", cause, f"It is {where}: {error}.", fix)
    connections, limit = _connection_counts(response)
    if limit and connections >= NEARLY_FULL * limit:
        cause = (
            "The server has nearly as many connections as it may have. When it is full, it closes idle ones."
        )
        fix = "Raise the limit of open files (ulimit -n), or put a proxy in front that limits connections."
        evidence = f"It is {where}; {connections} of {limit} connections are open."
        return Finding("nearly_full", "warning", cause, evidence, fix)
    return Finding("ready", "ok", "The server is ready.", f"It is {where}.")


def _connection_counts(response: Response) -> tuple[int, int]:
    """The number of open connections, and of allowed ones. Both are 0 if the server does not report them."""
    try:
        counts = response.json()["connections"]
        return int(counts["open"]), int(counts["limit"])
    except (ValueError, TypeError, LookupError):
        return 0, 0


def plain_http(settings: Settings) -> Finding:
    cause = "Other machines can reach the server, and it has no TLS: the network can read keys and records."
    evidence = f"It listens at {settings.host}, and MOORAGE_PUBLIC_URL is {settings.public_url or 'not set'}."
    fix = "Put a proxy with TLS in front, and set MOORAGE_PUBLIC_URL to its https:// address: `moorage help proxy`."
    return Finding("plain_http", "warning", cause, evidence, fix)
