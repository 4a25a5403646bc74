"""A PostgreSQL of a run's own, whose data are built once and copied for each run."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import machine
from moorage.locks import FileLock
from tests.postgresql_server import NoPostgresql, PostgresqlServer, process_id, programs, unprivileged

# As an operator would set it for a machine of this size. What was acknowledged has been flushed to disk.
_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_level": "replica",
}
# Who is cut off builds again. The log is copied for each run, so it is kept short.
_BUILD = {"fsync": "off", "synchronous_commit": "off", "max_wal_size": "256MB"}


class DatabaseMissing(Exception):
    """There is no PostgreSQL here."""


class Database:
    """A server that runs. `urls` of its databases are those of a superuser."""

    def __init__(self, server: PostgresqlServer) -> None:
        self._server = server

    @property
    def pid(self) -> int:
        number = process_id(self._server.data)
        assert number is not None, "PostgreSQL ended"
        return number

    def url(self, name: str) -> str:
        return f"{self._server.url.rpartition('/')[0]}/{name}"

    def create(self, name: str) -> None:
        self._server.execute(f"CREATE DATABASE {name}")

    def settle(self) -> None:
        """Write everything down, so that no work of before is left for the time that is measured."""
        self._server.execute("CHECKPOINT")


@contextmanager
def running(
    folder: Path, kept: Path, build: Callable[[Database, Path], None]
) -> Iterator[tuple[Database, Path]]:
    """A server on a copy of the data in `kept`, and a copy of the folder that `build` has filled beside the server.

    If `kept` is missing, it is built first. The server is on the core of the load. Raises DatabaseMissing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=_enterable(folder)) as name:
        place = Path(name)
        place.chmod(0o711)
        with FileLock(folder / "build-postgresql.lock"):
            if not kept.exists():
                _build(place, kept, build)
        _copy(kept / "server", place / "server")
        shutil.copytree(kept / "beside", place / "beside")
        server = PostgresqlServer(place / "server", _programs(place))
        server.set(**_SETTINGS)
        with machine.on_core(machine.LOAD_CORE):  # Whatever it starts stays there, too.
            server.start()
        try:
            yield Database(server), place / "beside"
        finally:
            server.stop()


@contextmanager
def fresh(folder: Path) -> Iterator[tuple[Database, Path]]:
    """An empty server on the core of the load, and a folder beside it. Raises DatabaseMissing."""
    with tempfile.TemporaryDirectory(prefix="fresh-", dir=_enterable(folder)) as name:
        place = Path(name)
        place.chmod(0o711)
        server = PostgresqlServer(place / "server", _programs(place))
        with machine.on_core(machine.LOAD_CORE):
            server.create(**_SETTINGS)
        try:
            yield Database(server), place
        finally:
            server.stop()


def _build(place: Path, kept: Path, build: Callable[[Database, Path], None]) -> None:
    started = time.monotonic()
    server = PostgresqlServer(place / "built", _programs(place))
    server.create(**_SETTINGS | _BUILD)
    draft = kept.with_suffix(".partial")
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir()
    (draft / "beside").mkdir()
    try:
        build(Database(server), draft / "beside")
    finally:
        server.stop()
    for outdated in kept.parent.glob("postgresql-*"):
        if outdated != draft:
            shutil.rmtree(outdated)
    shutil.move(server.folder, draft / "server")
    draft.rename(kept)
    print(f"Built PostgreSQL's data in {time.monotonic() - started:.0f} s", file=sys.stderr)


def _copy(source: Path, target: Path) -> None:
    """As `shutil.copytree`, but the files belong to whom they belonged to."""
    subprocess.run(["cp", "-a", source, target], check=True)


def _programs(place: Path) -> Path:
    try:
        return programs(place)
    except NoPostgresql as error:
        raise DatabaseMissing(str(error)) from error


def _enterable(folder: Path) -> Path:
    """A folder, or the one for temporary files if PostgreSQL's user may not enter it."""
    path = folder.resolve()
    if not unprivileged() or all(one.stat().st_mode & 0o001 for one in (path, *path.parents)):
        return path
    return Path(tempfile.gettempdir())
