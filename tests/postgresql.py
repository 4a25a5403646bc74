"""A real PostgreSQL for the tests, started when the first test needs it and shared by all processes of a run.

A run has a folder for its servers, and holds a lock in it as long as it lives. A guardian waits for that lock. So the
servers end with the run, however it ends.
"""

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from moorage.locks import FileLock
from tests.postgresql_server import PostgresqlServer, programs

GIVEN = "MOORAGE_TEST_POSTGRES_URL"
# The URL of a Citus cluster: a database that all tests use, one after the other (`script/try-citus`).
CLUSTER = "MOORAGE_TEST_CITUS_URL"
_GIVEN_URL = os.environ.get(GIVEN)  # Read at once, because some tests clear the environment.
LIFE = "run"  # The file whose lock a run holds.


def begin_run() -> tuple[Path, contextlib.ExitStack]:
    """The folder for the servers of a run, and what holds its lock."""
    folder = Path(tempfile.mkdtemp(prefix="moorage-postgresql-", dir=_place()))
    folder.chmod(0o711)  # Who runs the servers where we are root may enter it.
    life = contextlib.ExitStack()
    life.enter_context(FileLock(folder / LIFE))
    return folder, life


def end_run(folder: Path, life: contextlib.ExitStack) -> None:
    """Stop the servers, and wait until they have ended."""
    life.close()
    if not (folder / "guardian").exists():
        shutil.rmtree(folder)
    end = time.monotonic() + 20
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.02)


def _place() -> str:
    """A folder for temporary files that every user may enter."""
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        path = Path(place).resolve()
        if os.getuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents)):
            return str(path)
    raise FileNotFoundError("There is no folder for temporary files that every user may enter.")


def guard(folder: Path) -> None:
    """Start the guardian of a run, if it has none yet."""
    with FileLock(folder / "guardian") as file:
        if not file.read():
            quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            guardian = [sys.executable, "-m", "tests.postgresql_guardian", folder]
            subprocess.run(guardian, check=True, cwd=Path(__file__).parents[1], **quiet)
            file.write(b"started")


def shared_server(folder: Path) -> str:
    """The URL of the server that all processes of a run share; the first that asks starts it."""
    with FileLock(folder / "shared.lock") as file:
        if not (url := file.read().decode()):
            guard(folder)
            shared = PostgresqlServer(folder / f"shared-{uuid.uuid4().hex[:8]}", programs(folder))
            shared.create()
            file.write((url := shared.url).encode())
    return url


@pytest.fixture(scope="session")
def postgresql_folder(pytestconfig) -> Path:
    """The folder for the servers of this run."""
    return Path(pytestconfig.postgresql_folder)


@pytest.fixture(scope="session")
def postgresql(postgresql_folder) -> str:
    """The URL of a server for all tests, and of somebody who may make databases there. No test changes or stops it."""
    return _GIVEN_URL or shared_server(postgresql_folder)


@pytest.fixture(scope="session")
def postgresql_owner(postgresql) -> str:
    """The user that databases of tests belong to. On a server of our own it may not do anything special."""
    return (urlsplit(postgresql).username or "") if _GIVEN_URL else "moorage"


@contextlib.contextmanager
def databases(postgresql: str, owner: str) -> Iterator[Callable[[], str]]:
    """Makes empty databases, each with a URL for its owner, and drops them afterwards."""
    names = []

    def make() -> str:
        names.append(f"test_{uuid.uuid4().hex}")
        # Copied as files, that takes half of the time that copying through the log takes.
        options = f'OWNER "{owner}" TEMPLATE template0 STRATEGY file_copy'
        _execute(postgresql, f"CREATE DATABASE {names[-1]} {options}")
        parts = urlsplit(postgresql)
        login, _, address = parts.netloc.rpartition("@")
        login = login if _GIVEN_URL else owner
        return parts._replace(netloc=f"{login}@{address}", path=f"/{names[-1]}").geturl()

    yield make
    for name in names:
        _execute(postgresql, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def new_database(request):
    """Makes empty databases, each with a URL of its own, and drops them afterwards."""
    if cluster := os.environ.get(CLUSTER):
        _remove_organisations(cluster)
        yield lambda: cluster
        _remove_organisations(cluster)
        return
    with databases(
        request.getfixturevalue("postgresql"), request.getfixturevalue("postgresql_owner")
    ) as make:
        yield make


def _remove_organisations(url: str) -> None:
    """Empty a database that can't be made anew."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        sql = "SELECT nspname FROM pg_namespace WHERE nspname ~ '^org_[0-9]+'"
        for (name,) in connection.execute(sql).fetchall():
            connection.execute(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture
def database_url(new_database) -> str:
    """The URL of an empty database of a test's own."""
    return new_database()


@pytest.fixture
def new_postgresql(postgresql_folder):
    """Makes servers that a test may stop, kill and start again."""
    numbers, servers = itertools.count(), []

    def make(primary: PostgresqlServer | None = None, **settings: str) -> PostgresqlServer:
        """A running server: an empty one, or one that follows a primary."""
        guard(postgresql_folder)
        name = f"{os.getpid()}-{uuid.uuid4().hex[:8]}-{next(numbers)}"
        server = PostgresqlServer(postgresql_folder / name, programs(postgresql_folder))
        servers.append(server)
        if primary is None:
            server.create(**settings)
        else:
            server.create_standby(primary)
        return server

    yield make
    for server in servers:
        server.remove()


def _execute(url: str, statement: str) -> None:
    import psycopg  # Most runs of a single test have no use for it.

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
