"""The data folder of a running server: its lock, and the note that says where it listens."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from moorage.errors import HomeInUse
from moorage.serve.errors import HomeUnusable


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs: its process, and the base URLs at which this machine reaches it."""

    pid: int
    gateway: str
    crm: str


def prepare(home: Path) -> None:
    """Make the folder, readable by its owner only, as everything made in it will be. Raises HomeUnusable."""
    os.umask(0o077)
    try:
        home.mkdir(parents=True, exist_ok=True)
        # Somebody else's folder, named by mistake, keeps its mode: /tmp must not become private.
        if (home / "lock").exists() or not any(home.iterdir()):
            home.chmod(0o700)
        (home / "run").mkdir(exist_ok=True)
    except OSError as error:
        raise HomeUnusable(
            f"The data folder {home} can't be used: {error.strerror}",
            help="Choose one that this user can write with --home or MOORAGE_HOME.",
        ) from error


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the folder: the kernel lets go of it when the process ends, however it ends. Raises HomeInUse."""
    with (home / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise _in_use(home, lock.read().strip()) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def write_note(home: Path, running: Running) -> None:
    """Say in `run/server.json` where the server listens; a reader finds a whole note or none."""
    note = _note(home)
    draft = note.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(running)))
    draft.replace(note)


def remove_note(home: Path) -> None:
    _note(home).unlink(missing_ok=True)


def read_note(home: Path) -> Running | None:
    """The server that serves this folder, as far as its note tells; a killed one leaves its note behind."""
    try:
        return Running(**json.loads(_note(home).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _note(home: Path) -> Path:
    return home / "run" / "server.json"


def _in_use(home: Path, pid: str) -> HomeInUse:
    running = read_note(home)
    where = f" at {running.gateway}" if running else ""
    return HomeInUse(
        f"The data folder {home} is in use by process {pid or 'unknown'}{where}",
        help="Use that server, stop it first, or choose another folder with --home or MOORAGE_HOME.",
    )
