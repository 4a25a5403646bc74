import sqlite3
import stat
import subprocess
import sys
import threading

import pytest
from alembic import command
from alembic.config import Config

from moorage.storage.errors import DatabaseUnusable
from moorage.storage.migrate import HEAD, MIGRATIONS, migrate
from moorage.storage.sqlite import Sqlite
from tests import forked

TABLES = {
    "accounts",
    "alembic_version",
    "api_keys",
    "api_key_secrets",
    "approval_grants",
    "approvals",
    "audit_entries",
    "audit_heads",
    "connect_attempts",
    "connections",
    "default_connections",
    "grant_clients",
    "grant_codes",
    "grant_tokens",
    "grants",
    "idempotent_requests",
    "jobs",
    "key_policies",
    "oauth_clients",
    "people",
    "person_links",
    "person_recovery_codes",
    "person_sessions",
    "policy_spending",
    "rate_levels",
    "refresh_leases",
    "refresh_mints",
    "secrets",
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "moorage.db"


def read(path, sql):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def tables(path):
    return {name for (name,) in read(path, "SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_from_nothing_it_makes_every_table_for_the_owner_only(path):
    migrate(f"sqlite:///{path}")
    assert tables(path) == TABLES
    assert read(path, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_newest_migration_is_the_head():
    assert max(file.name[:4] for file in (MIGRATIONS / "versions").glob("*.py")) == HEAD


def test_doing_it_again_changes_nothing(path):
    migrate(f"sqlite:///{path}")
    before = path.read_bytes()
    migrate(f"sqlite:///{path}")
    assert path.read_bytes() == before


def made_by(path, revision):
    """A file as the version left it whose newest migration that was."""
    path.parent.mkdir()
    engine = Sqlite(f"sqlite:///{path}").writing()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_a_file_of_the_first_version_is_brought_up_to_date_and_keeps_what_it_holds(path):
    made_by(path, "0001")
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("INSERT INTO accounts VALUES ('a', 'default', 0)")
        values = "'c', 'a', 'zoho-crm', 'OAUTH2', 'ACTIVE', 0, 0, 1, '{}', '{}'"
        connection.execute(f"INSERT INTO connections VALUES ({values})")
        connection.execute("INSERT INTO secrets VALUES ('c', 'access_token', x'0102030405', 1.5)")
    connection.close()
    migrate(f"sqlite:///{path}")
    assert tables(path) == TABLES
    assert read(path, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    assert read(path, "SELECT name FROM accounts") == [("default",)]
    assert read(path, "SELECT value, expires_at FROM secrets") == [(b"\1\2\3\4\5", 1.5)]


def test_what_a_key_sealed_is_found_without_reading_every_secret(path):
    migrate(f"sqlite:///{path}")
    plan = read(path, "EXPLAIN QUERY PLAN SELECT * FROM secrets WHERE substr(value, 1, 4) = x'01020304'")
    assert "secrets_by_key" in plan[0][3]


def test_an_empty_file_is_filled(path):
    path.parent.mkdir()
    path.touch()
    migrate(f"sqlite:///{path}")
    assert tables(path) == TABLES


def test_a_newer_schema_is_refused_and_left_alone(path):
    migrate(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(DatabaseUnusable, match=r"newer Moorage.*9999") as caught:
        migrate(f"sqlite:///{path}")
    assert "newer version" in caught.value.help
    assert read(path, "SELECT version_num FROM alembic_version") == [("9999",)]


@pytest.mark.parametrize(
    "content", [b"no database at all, but longer than a header of SQLite is", b"\0" * 4096]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(DatabaseUnusable, match="not a database"):
        migrate(f"sqlite:///{path}")
    assert path.read_bytes() == content


def test_a_place_that_can_not_be_opened_is_refused(path):
    path.mkdir(parents=True)
    with pytest.raises(DatabaseUnusable, match=r"moorage\.db"):
        migrate(f"sqlite:///{path}")


def test_somebody_elses_database_is_refused_and_left_alone(path):
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE accounts (name TEXT)")
    connection.close()
    with pytest.raises(DatabaseUnusable):
        migrate(f"sqlite:///{path}")
    assert tables(path) == {"accounts"}


def test_who_finds_a_new_file_in_use_waits_for_it(path):
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, other.rollback).start()
    with Sqlite(f"sqlite:///{path}").writing().begin() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    other.close()


def test_processes_that_migrate_at_once_all_succeed(path):
    program = f"from moorage.storage.migrate import migrate; migrate('sqlite:///{path}')"
    running = [
        forked.popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    ended = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
    assert ended == [("", 0)] * 4
    assert tables(path) == TABLES
    assert read(path, "SELECT count(*) FROM alembic_version") == [(1,)]
