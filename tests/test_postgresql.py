"""The suite's own PostgreSQL servers."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.postgresql import GIVEN, databases
from tests.postgresql_server import (
    PostgresqlServer,
    machine_programs,
    process_id,
    unprivileged,
    wheel_programs,
)
from tests.waiting import wait_until

ROOT = Path(__file__).parents[1]
# A run of the suite with two tests, each in a process of its own, which say what they were given and where.
RUN = """
import time
from pathlib import Path

import pytest

@pytest.mark.parametrize("name", ["first", "second"])
def test_a_database(name, database_url, new_database, postgresql, postgresql_folder):
    assert database_url != new_database()
    Path(__file__).with_name(name).write_text(f"{postgresql} {postgresql_folder}")
    while Path(__file__).with_name("wait").exists():
        time.sleep(0.05)
"""


def run(folder, **environment):
    """Starts pytest with two workers on tests that need a database."""
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    (folder / "test_run.py").write_text(RUN)
    kept = {name: value for name, value in os.environ.items() if name != GIVEN}
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pytest",
            "-n",
            "2",
            "-c",
            ROOT / "pyproject.toml",
            "--rootdir",
            folder,
            folder,
        ],
        cwd=ROOT,
        env=kept | environment | {"PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def told(folder):
    """What the two tests wrote down: the server's URL, and the folder of the run."""
    texts = [
        text.split()
        for name in ("first", "second")
        if (folder / name).exists() and (text := (folder / name).read_text())
    ]
    return len(texts) == 2 and texts


def test_one_server_serves_all_processes_of_a_run_and_ends_with_it(tmp_path):
    process = run(tmp_path)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output
    first, second = told(tmp_path)
    assert first == second
    assert not Path(first[1]).exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(first[0])


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_the_server_ends_however_the_run_ends(kind, tmp_path):
    (tmp_path / "wait").touch()
    process = run(tmp_path)
    try:
        (_, folder), _ = wait_until(lambda: told(tmp_path), 120)
        assert [process_id(data) for data in Path(folder).glob("*/data")] != []
        (tmp_path / "wait").unlink()
        process.send_signal(kind)
        process.communicate(timeout=120)
        wait_until(lambda: not Path(folder).exists(), 60)
    finally:
        process.kill()


def test_a_server_that_the_environment_names_is_used(tmp_path, postgresql):
    process = run(tmp_path, **{GIVEN: postgresql})
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output
    assert [url for url, _ in told(tmp_path)] == [postgresql] * 2


def test_a_database_is_empty_and_its_owner_nobody_special(database_url):
    with psycopg.connect(database_url) as connection:
        schemas = "SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$|^public$'"
        assert connection.execute(schemas).fetchone() == (0,)
        connection.execute("CREATE SCHEMA own")
        if not os.environ.get(GIVEN):
            assert connection.execute(
                "SELECT usesuper FROM pg_user WHERE usename = current_user"
            ).fetchone() == (False,)


def test_a_database_is_dropped_though_somebody_still_uses_it(postgresql, postgresql_owner):
    with databases(postgresql, postgresql_owner) as make:
        connection = psycopg.connect(make())
        name = connection.info.dbname
    connection.close()
    with psycopg.connect(postgresql) as after:
        assert after.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None


def test_what_was_committed_survives_a_kill_and_a_restart_at_the_same_port(new_postgresql):
    server = new_postgresql()
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (value int)")
        for value in range(20):
            connection.execute("INSERT INTO kept VALUES (%s)", (value,))
        url = server.url
        server.kill()
    server.start()
    assert server.url == url
    assert server.execute("SELECT count(*) FROM kept") == 20
    server.stop()
    assert server.process_id is None
    server.start()
    assert server.execute("SELECT count(*) FROM kept") == 20


def test_a_standby_has_what_its_primary_has_and_takes_its_place(new_postgresql):
    primary = new_postgresql()
    primary.execute("CREATE TABLE kept (value int)")
    standby = new_postgresql(primary)
    primary.execute("INSERT INTO kept VALUES (1)")
    wait_until(lambda: standby.execute("SELECT count(*) FROM kept") == 1)
    primary.kill()
    standby.promote()
    standby.execute("INSERT INTO kept VALUES (2)")
    assert standby.execute("SELECT sum(value) FROM kept") == 3


def kinds():
    return {"machine": lambda folder: next(iter(machine_programs()), None), "wheel": wheel_programs}


@pytest.mark.parametrize("kind", kinds())
def test_a_server_runs_from_either_programs(kind, postgresql_folder, tmp_path, request):
    programs = kinds()[kind](postgresql_folder)
    if programs is None:
        pytest.skip("This machine has no PostgreSQL of its own.")
    request.getfixturevalue("new_postgresql")
    server = PostgresqlServer(postgresql_folder / f"programs-{kind}-{os.getpid()}", programs)
    server.create(wal_level="replica")
    try:
        assert server.execute("SHOW wal_level") == "replica"
        assert server.execute("SHOW server_version_num") >= "150000"
        owner = server.data.stat().st_uid
        assert owner == unprivileged().get("user", os.getuid()) != 0
    finally:
        server.remove()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can hide files from the user that runs the server")
def test_programs_that_the_servers_user_can_not_read_are_copied(postgresql_folder, tmp_path, monkeypatch):
    import tests.postgresql_server as module

    readable, version = set(), module._version
    monkeypatch.setattr(module, "_version", lambda folder: version(folder) if folder in readable else 0)
    hidden = wheel_programs(postgresql_folder)
    assert hidden.is_relative_to(postgresql_folder)
    # A process that another thread is just starting may hold a copied program open: it can't be run until then.
    wait_until(lambda: version(hidden) >= 15)
