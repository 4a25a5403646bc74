"""Before a newer version changes a database, it looks whether it can, and keeps a copy."""

import sqlite3
from contextlib import closing

import psycopg
import pytest

from moorage.storage import copies
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.migrate import CONTROL, HEAD, migrate
from moorage.storage.moving import Tables
from tests.log_lines import capture_logs
from tests.storage.test_migrate import made_by, read


@pytest.fixture
def old(tmp_path):
    """A control database of the first version, of which a part is still in its log."""
    path = tmp_path / "home" / "moorage.db"
    made_by(path, "0001")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO accounts VALUES ('a', 'default', 0)")
        connection.commit()
        yield path


def kept(path):
    return sorted(path.parent.glob("backups/moorage-*.db"))


def test_a_copy_of_the_older_database_is_kept_and_the_log_tells_where(old):
    with capture_logs() as lines:
        migrate(f"sqlite:///{old}")
    [copy] = kept(old)
    assert read(copy, "SELECT version_num FROM alembic_version") == [("0001",)]
    assert read(copy, "SELECT name FROM accounts") == [("default",)]
    assert copy.stat().st_mode & 0o077 == copy.parent.stat().st_mode & 0o077 == 0
    [line] = [line for line in lines if line["event"] == "database.upgraded"]
    assert (line["schema"], line["to"], line["copy"]) == ("0001", HEAD, str(copy))


def test_a_new_database_and_one_that_is_up_to_date_need_no_copy(tmp_path):
    for _ in range(2):
        migrate(f"sqlite:///{tmp_path / 'moorage.db'}")
    assert not (tmp_path / "backups").exists()


def test_the_last_few_copies_are_kept(old, monkeypatch):
    for number in range(copies.KEPT + 2):
        copies.keep_copy(old, f"000{number}", HEAD)
    assert [copy.name.split("-")[1] for copy in kept(old)] == ["0002", "0003", "0004"]


def test_without_room_nothing_is_changed(old, monkeypatch):
    monkeypatch.setattr(copies, "free_bytes", lambda _: 1000)
    with pytest.raises(DatabaseUnusable, match="no room") as refused:
        migrate(f"sqlite:///{old}")
    assert "Make room" in refused.value.help and kept(old) == []
    assert read(old, "SELECT version_num FROM alembic_version") == [("0001",)]


def test_what_a_start_that_was_killed_has_left_takes_up_no_room(old, monkeypatch):
    left = old.with_name("backups") / ".moorage.partial"
    left.parent.mkdir()
    left.write_bytes(b"half of a copy")
    monkeypatch.setattr(copies, "free_bytes", lambda _: 1000 if left.exists() else 10**9)
    copies.keep_copy(old, "0001", HEAD)
    assert len(kept(old)) == 1 and not left.exists()


def test_a_database_of_a_newer_version_is_noticed_without_a_change(old):
    tables = Tables(f"sqlite:///{old}", CONTROL)
    tables.require_known()
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(DatabaseUnusable, match="newer Moorage"):
        tables.require_known()
    Tables(f"sqlite:///{old.with_name('missing.db')}", CONTROL).require_known()
    assert not old.with_name("missing.db").exists()


def test_postgresql_has_tools_of_its_own_and_the_log_says_so(database_url, monkeypatch):
    migrate(database_url)
    monkeypatch.setattr("moorage.storage.migrate._upgrade", lambda *_: None)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE moorage.alembic_version SET version_num = '0001'")
    with capture_logs() as lines:
        migrate(database_url)
    [line] = lines
    assert (line["event"], line["schema"], line["to"]) == ("database.no_copy", "0001", HEAD)
    assert "pg_dump" in line["advice"]
