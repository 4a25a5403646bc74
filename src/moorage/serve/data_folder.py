"""The data folder of a server: its lock, and the note with the server's addresses and settings."""

import contextlib
import errno
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec.structs import asdict, replace

from moorage.errors import NO_ROOM
from moorage.locks import IS_POSIX, FileLock, is_locked, may_hold
from moorage.logs import Log
from moorage.oauth import CALLBACK
from moorage.serve.errors import HomeElsewhere, HomeInUse, HomeUnusable, PosixNeeded
from moorage.serve.listen import url_of
from moorage.settings import UNSHOWN, Settings
from moorage.storage.placing import settle

# To ask whether the folder is locked, a command locks it for a moment. So a start tries a few times.
_TRIES = 5
_PAUSE = 0.05

log = Log(__name__)


class Running(msgspec.Struct, frozen=True):
    """The note of a server: its process id, its base URLs on this machine, and its settings (`Settings.explicit`).

    `since` is the time at which it was ready, in ISO 8601. `version` and `since` are None in notes of older versions.
    `metrics` is None if they are off.
    `sources` says where each setting comes from (`Settings.sources`), and `config` is the path of the settings file.
    `reloaded` is what came of the last reload (`serve.reloads.Outcome`); None if there was none.
    """

    pid: int
    gateway: str
    crm: str
    settings: Mapping[str, str | None] = msgspec.field(default_factory=dict)
    version: str | None = None
    since: str | None = None
    workers: int = 1
    metrics: str | None = None
    sources: Mapping[str, str] = msgspec.field(default_factory=dict)
    config: str | None = None
    reloaded: Mapping[str, Any] | None = None

    def with_settings(self, settings: Settings) -> "Running":
        """The note of the same server with these settings."""
        config = None if settings.file is None else str(settings.file)
        return replace(self, settings=settings.explicit, sources=settings.sources, config=config)


def require_posix() -> None:
    """Raises PosixNeeded on a system where no server can run."""
    if not IS_POSIX:
        raise PosixNeeded


def prepare(home: Path) -> None:
    """Create the folder, which only its owner may read. Raises HomeUnusable, PosixNeeded."""
    require_posix()
    os.umask(0o077)
    try:
        home.mkdir(parents=True, exist_ok=True)
        # A folder of other programs that was named by mistake keeps its mode: /tmp must not become private.
        if _lock(home).exists() or not any(home.iterdir()):
            home.chmod(0o700)
        (home / "run").mkdir(exist_ok=True)
    except OSError as error:
        reason = "it is a file" if home.is_file() else error.strerror
        choose = "With --home or MOORAGE_HOME, choose a folder that this user can write."
        raise HomeUnusable(
            f"The data folder {home} can't be used: {reason}",
            help="Make room on its disk, and start again." if error.errno in NO_ROOM else choose,
        ) from error


@contextlib.contextmanager
def locked(home: Path) -> Iterator[bool]:
    """Lock the folder, and complete a restore that was interrupted. Gives True if there was one. Raises HomeInUse.

    The kernel unlocks it when the process ends, in whatever way.
    """
    path = _lock(home)
    with contextlib.ExitStack() as locks:
        for attempt in range(1, _TRIES + 1):
            try:
                lock = _enter(locks, path)
                break
            except BlockingIOError as error:
                if attempt == _TRIES:
                    raise _in_use(home, path.read_text().strip()) from error
            time.sleep(_PAUSE)
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
        lock.flush()
        yield settle(home)


def _enter(locks: contextlib.ExitStack, path: Path) -> BinaryIO:
    """Lock the file. A link is refused, because it could lead to any other file. Raises HomeUnusable."""
    try:
        return locks.enter_context(FileLock(path, wait=False, follow_links=False))
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise HomeUnusable(
            f"{path} is a link, and Moorage does not follow it",
            help="Find out who made the link, remove it, and start again.",
        ) from error


def warn_if_open(settings: Settings) -> None:
    """Log a warning about each of `open_paths`."""
    for path, mode in open_paths(settings):
        log.warning("home.open", path=str(path), mode=f"{mode:04o}", advice=f"chmod go= {path}")


def open_paths(settings: Settings) -> Iterator[tuple[Path, int]]:
    """What other users may use although they should not, with its mode: the folder, if they may write to it, and the
    key that encrypts all stored tokens, and a settings file with a secret in it, if they may read them.
    """
    secrets = [settings.home / "vault.key"]
    if settings.file is not None and settings.file_has_secret:
        secrets.append(settings.file)
    for path, bits in ((settings.home, 0o022), *((path, 0o077) for path in secrets)):
        with contextlib.suppress(OSError):
            mode = path.stat().st_mode & 0o777
            if mode & bits:
                yield path, mode


def first_key_shown(home: Path) -> None:
    """Note that the first API key was shown. Otherwise the next start would make another key."""
    (home / UNSHOWN).unlink(missing_ok=True)


def write_note(home: Path, running: Running) -> None:
    """Write the note to `run/server.json`. A reader never sees a part of it."""
    note = _note(home)
    draft = note.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(running)))
    draft.replace(note)


def remove_note(home: Path) -> None:
    """Rename the note of a server that has stopped to `run/last.json`."""
    with contextlib.suppress(FileNotFoundError):
        _note(home).replace(_last(home))


def read_note(home: Path) -> Running | None:
    """The note of the server that serves this folder now.

    None if no server does. Then a note that is there comes from a killed server, or from a copy of the folder.
    """
    return _read(_note(home)) if is_held(home) else None


def read_left_note(home: Path) -> Running | None:
    """The note of a server that was killed. A server that stops properly leaves none."""
    return _read(_note(home))


def read_last_note(home: Path) -> Running | None:
    """The note of the last server of this folder; None if there is none."""
    return _read(_note(home)) or _read(_last(home))


def is_held(home: Path) -> bool:
    """True if a process holds the folder: a server, also while it starts or stops, or a command."""
    return is_locked(_lock(home))


def holder(home: Path) -> int | None:
    """The id of the process that holds the folder: that of a server, also while it starts or stops. None if none does.

    Raises HomeElsewhere if it is a process of another machine or container, where the same id is that of another one.
    """
    if not is_held(home):
        return None
    path = _lock(home)
    text = path.read_text().strip()
    pid = int(text) if text.isdecimal() else None
    if pid is None or not may_hold(pid, path):
        raise HomeElsewhere(
            f"The data folder {home} is in use by process {text or 'unknown'}, which is not one of this machine",
            help="Stop that server where it was started: in its container, or on the machine that shares the folder.",
        )
    return pid


def callback_url(settings: Settings, running: Running | None) -> str | None:
    """The URL to which accounts servers send people back; None while the port is not known."""
    gateway = settings.public_url or (running.gateway if running is not None else None)
    if gateway is None and settings.port:
        gateway = url_of(settings.host, settings.port)
    return None if gateway is None else f"{gateway}{CALLBACK}"


def _read(note: Path) -> Running | None:
    try:
        noted = json.loads(note.read_bytes())
        # A newer version may note more.
        return Running(**{name: value for name, value in noted.items() if name in Running.__struct_fields__})
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _lock(home: Path) -> Path:
    return home / "lock"


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
