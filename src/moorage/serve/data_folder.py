"""The data folder of a server: its lock, and the note that says where the server listens and what it was told."""

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

from moorage.errors import NO_ROOM
from moorage.oauth import CALLBACK
from moorage.serve.errors import HomeInUse, HomeUnusable
from moorage.serve.listen import url_of
from moorage.settings import UNSHOWN, Settings

# Whoever only asks whether the folder is held holds it for a moment, too: a start tries again before it gives up.
_TRIES = 5
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """A server: its process, the base URLs at which this machine reaches it, and what it was told (`Settings.told`)."""

    pid: int
    gateway: str
    crm: str
    told: Mapping[str, str | None] = field(default_factory=dict)


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
        reason = "it is a file" if home.is_file() else error.strerror
        choose = "Choose one that this user can write with --home or MOORAGE_HOME."
        raise HomeUnusable(
            f"The data folder {home} can't be used: {reason}",
            help="Make room on its disk, and start again." if error.errno in NO_ROOM else choose,
        ) from error


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the folder: the kernel lets go of it when the process ends, however it ends. Raises HomeInUse."""
    with _opened(home / "lock") as lock:
        for tries in range(1, _TRIES + 1):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if tries == _TRIES:
                    lock.seek(0)
                    raise _in_use(home, lock.read().strip()) from error
            time.sleep(_PAUSE)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _opened(path: Path) -> TextIO:
    """The file itself, to be written: a link could lead to anything else of this user's. Raises HomeUnusable."""
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "r+")
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise HomeUnusable(
            f"{path} is a link, and is not followed", help="See who made it, remove it, and start again."
        ) from error


def warn_if_open(home: Path) -> None:
    """Log a warning where other users may write the folder, or read the key that all stored tokens are sealed with."""
    for path, bits in ((home, 0o022), (home / "vault.key", 0o077)):
        with contextlib.suppress(FileNotFoundError):
            mode = path.stat().st_mode & 0o777
            if mode & bits:
                import structlog  # noqa: PLC0415 (every command reads this file, and few have anything to log)

                log = structlog.get_logger(__name__)
                log.warning("home.open", path=str(path), mode=f"{mode:04o}", advice=f"chmod go= {path}")


def first_key_shown(home: Path) -> None:
    """The first API key was shown, if one was made: the next start has none to make good for."""
    (home / UNSHOWN).unlink(missing_ok=True)


def write_note(home: Path, running: Running) -> None:
    """Say in `run/server.json` where the server listens; a reader finds a whole note or none."""
    note = _note(home)
    draft = note.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(running)))
    draft.replace(note)


def remove_note(home: Path) -> None:
    """The server has stopped: what it was told is kept as `run/last.json`."""
    with contextlib.suppress(FileNotFoundError):
        _note(home).replace(_last(home))


def read_note(home: Path) -> Running | None:
    """The server that serves this folder now. The note of a killed one is none, nor is one that came with a copy."""
    return _read(_note(home)) if _is_held(home) else None


def read_left_note(home: Path) -> Running | None:
    """What a server that was killed has left; one that stops well leaves none."""
    return _read(_note(home))


def read_last_note(home: Path) -> Running | None:
    """The server that served this folder last, as far as it tells."""
    return _read(_note(home)) or _read(_last(home))


def callback_url(settings: Settings, running: Running | None) -> str | None:
    """Where a folder's server has accounts servers send people back to; None as long as its port may be any."""
    gateway = settings.public_url or (running.gateway if running is not None else None)
    if gateway is None and settings.port:
        gateway = url_of(settings.host, settings.port)
    return None if gateway is None else f"{gateway}{CALLBACK}"


def _read(note: Path) -> Running | None:
    try:
        return Running(**json.loads(note.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _is_held(home: Path) -> bool:
    """Whether a process holds the folder, which no copy of it takes along."""
    try:
        with (home / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _note(home: Path) -> Path:
    return home / "run" / "server.json"


def _last(home: Path) -> Path:
    return home / "run" / "last.json"


def _in_use(home: Path, pid: str) -> HomeInUse:
    running = _read(_note(home))
    where = f" at {running.gateway}" if running and str(running.pid) == pid else ""
    return HomeInUse(
        f"The data folder {home} is in use by process {pid or 'unknown'}{where}",
        help="Use that server, stop it first, or choose another folder with --home or MOORAGE_HOME.",
    )
