"""Moorage itself, started as its users start it, and other programs that serve until they are stopped."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from benchmarks import machine
from moorage.storage.migrate import migrate

_START_SECONDS = 60
_STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers; `gateway` and `crm` are its base URLs."""

    pid: int
    gateway: str
    crm: str


class ServerFailed(Exception):
    """A server ended, or said nothing for a minute."""


@contextmanager
def running(
    home: Path,
    *,
    workers: int = 1,
    authority: Path | None = None,
    pinned: bool = True,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """`moorage up` over a data folder, until the block ends; one worker has a core of its own, unless it isn't to be
    pinned. Raises ServerFailed. `settings` are by their variables.

    Upstreams are trusted if that certificate authority vouches for them, in place of the system's.
    """
    command = machine.interpreter("-m", "moorage", "up", "--json", "--port", "0", "--crm-port", "0")
    command += ["--workers", str(workers)]
    # Only what is set here counts, not what the caller's shell has set for a server of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOORAGE_")}
    # An installed Moorage is compiled once, and not at each start.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {"MOORAGE_HOME": str(home), "MOORAGE_RATE_LIMIT": "off"}
    environment |= settings or {}
    if authority is not None:
        environment["SSL_CERT_FILE"] = str(authority)
    # A server takes no folder that has a CRM and no control database: its keys would have been lost.
    migrate(environment.get("MOORAGE_DATABASE_URL") or f"sqlite:///{home / 'moorage.db'}")
    core = machine.server_core(workers) if pinned else None
    with begun(command, core, home / "server.log", environment) as (pid, event):
        yield Server(pid, event["gateway"], event["crm"])


@contextmanager
def begun(
    command: list[str], core: int | None, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """A program that serves, until the block ends: its process id, and the line of JSON by which it says that it is
    ready. Raises ServerFailed.
    """
    with log.open("wb") as errors:
        process = machine.start(command, core, env=environment, stdout=subprocess.PIPE, stderr=errors)
    try:
        yield process.pid, _ready(process, command, log)
    finally:
        _stop(process)


def _ready(process: "subprocess.Popen[bytes]", command: list[str], log: Path) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline() if wait([process.stdout.fileno()], _START_SECONDS) else b""
    if not line:
        reason = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise ServerFailed(f"{' '.join(command)} didn't start: {reason[0]}")
    event: dict[str, Any] = json.loads(line)
    return event


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
