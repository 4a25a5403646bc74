"""`moorage move control`: the control database goes to PostgreSQL and back, and nothing is lost or half there."""

import os
import sqlite3
from contextlib import closing

import psycopg
import pytest

from moorage.serve.data_folder import Running, locked, write_note
from tests.control_database import control_in_postgresql, shared_control_database  # noqa: F401

KEPT = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"


@pytest.fixture
def filled(moorage, home, monkeypatch):
    """A data folder with a key, a connection with tokens, and an OAuth client."""
    monkeypatch.delenv("MOORAGE_API_KEY")
    assert moorage("init").status == 0
    monkeypatch.setenv("MOORAGE_API_KEY", "mk_test")
    secret = home / "secret"
    secret.write_text("hush")
    assert moorage("client", "set", "slack", "--client-id", "1", "--secret-file", secret).status == 0
    return home


def content(path):
    """All rows of all tables of a SQLite file but those of the audit, which notes each move."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute(KEPT) if not name.startswith("audit_")]
        return {table: sorted(map(repr, connection.execute(f"SELECT * FROM {table}"))) for table in tables}


def rows(url, table):
    with psycopg.connect(url) as connection:
        return connection.execute(f"SELECT count(*) FROM moorage.{table}").fetchone()[0]


def on(monkeypatch, url, home):
    monkeypatch.setenv("MOORAGE_DATABASE_URL", url)
    monkeypatch.setenv("MOORAGE_VAULT_KEY_FILE", str(home / "vault.key"))


def test_it_goes_to_postgresql_and_back_and_everything_is_as_it_was(
    moorage, filled, monkeypatch, database_url, tmp_path
):
    before, keys = content(filled / "moorage.db"), moorage("key", "list", "--json").json
    moved = moorage("move", "control", "--to", database_url)
    assert moved.status == 0 and "api_keys: 1 row\n" in moved.err
    assert f"set MOORAGE_DATABASE_URL={database_url}" in moved.out
    assert f"MOORAGE_VAULT_KEY_FILE={filled / 'vault.key'}" in moved.out
    assert content(filled / "moorage.db") == before

    on(monkeypatch, database_url, filled)
    assert moorage("key", "list", "--json").json == keys
    assert moorage("doctor").status == 0
    back = moorage("move", "control", "--to", f"sqlite:///{tmp_path}/back/moorage.db", "--json")
    assert back.json["rows"]["secrets"] == len(before["secrets"])
    assert content(tmp_path / "back" / "moorage.db") == before
    on(monkeypatch, f"sqlite:///{tmp_path}/back/moorage.db", filled)
    assert moorage("audit", "--verify").status == 0
    moves = moorage("audit", "--action", "database", "--json").json["entries"]
    assert [move["after"] for move in moves] == [{"to": "sqlite"}, {"to": "postgresql"}]


def test_the_request_log_goes_along_unless_there_is_one_already(
    moorage, filled, monkeypatch, database_url, tmp_path
):
    log = filled / "requests.db"
    with closing(sqlite3.connect(log)) as connection:
        connection.execute("INSERT INTO blocks VALUES (1, 2, 'a', 2, 0, x'00ff')")
        connection.execute("INSERT INTO bodies VALUES (1, 'a', 2, x'00ff')")
        connection.commit()
    assert "requests.blocks: 1 row\n" in moorage("move", "control", "--to", database_url, "--dry-run").err
    assert "requests.blocks: 1 row\n" in moorage("move", "control", "--to", database_url).err
    with psycopg.connect(database_url) as connection:
        [row] = connection.execute("SELECT last, content FROM moorage_requests.blocks").fetchall()
        assert connection.execute("SELECT * FROM moorage_requests.bodies").fetchone() == (
            1,
            "a",
            2,
            b"\x00\xff",
        )
    assert row == (2, b"\x00\xff")
    on(monkeypatch, database_url, filled)
    to = f"sqlite:///{tmp_path}/back/moorage.db"
    assert "requests." not in moorage("move", "control", "--to", to, "--dry-run").err
    log.unlink()
    assert moorage("move", "control", "--to", to, "--json").json["rows"]["requests.blocks"] == 1


def test_a_dry_run_says_how_much_and_changes_nothing(moorage, filled, database_url):
    said = moorage("move", "control", "--to", database_url, "--dry-run")
    assert said.status == 0 and "would be copied" in said.out and "api_keys: 1 row\n" in said.err
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT to_regnamespace('moorage')").fetchone() == (None,)


def test_a_database_with_content_is_left_alone(moorage, filled, control_in_postgresql):  # noqa: F811
    with psycopg.connect(control_in_postgresql) as connection:
        connection.execute("INSERT INTO moorage.accounts VALUES ('a', 'a', 0)")
    for options in ([], ["--dry-run"]):
        refused = moorage("move", "control", "--to", control_in_postgresql, *options, "--json")
        assert (refused.status, refused.error["code"]) == (1, "database_not_empty")
    assert (rows(control_in_postgresql, "accounts"), rows(control_in_postgresql, "api_keys")) == (1, 0)


def test_while_a_server_runs_nothing_is_copied(moorage, filled, control_in_postgresql):  # noqa: F811
    with locked(filled):
        write_note(filled, Running(os.getpid(), "http://127.0.0.1:4001", "http://127.0.0.1:4002", {}))
        assert moorage("move", "control", "--to", control_in_postgresql).status == 6
    assert rows(control_in_postgresql, "accounts") == 0


def test_a_server_of_another_machine_is_noticed_in_postgresql(
    moorage, filled, monkeypatch, tmp_path, database_url
):
    assert moorage("move", "control", "--to", database_url).status == 0
    on(monkeypatch, database_url, filled)
    with psycopg.connect(database_url, application_name="moorage control watching"):
        refused = moorage("move", "control", "--to", f"sqlite:///{tmp_path}/back.db", "--json")
    assert (refused.status, refused.error["code"]) == (1, "database_served")
    assert content(tmp_path / "back.db")["accounts"] == []


@pytest.mark.parametrize("as_file", [False, True])
def test_a_password_is_never_shown(moorage, filled, database_url, tmp_path, as_file):
    url = database_url.replace("://moorage@", "://moorage:hush@").replace("://postgres@", "://postgres:hush@")
    (tmp_path / "url").write_text(url)
    target = ["--to-file", tmp_path / "url"] if as_file else ["--to", url]
    moved = moorage("move", "control", *target)
    assert moved.status == 0 and "hush" not in moved.out + moved.err
    assert "MOORAGE_DATABASE_URL_FILE" in moved.out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "by --to or by --to-file"),
        (["--to", "mysql://moorage:hush@db/moorage"], "mysql:// is not supported"),
        (["--to", "postgresql://moorage:hush@db"], "--to: use a PostgreSQL database"),
        (["--to-file", "/nowhere/url"], "--to-file: there is no file"),
    ],
)
def test_a_target_that_is_none_is_refused(moorage, home, arguments, complaint):
    refused = moorage("move", "control", *arguments)
    assert refused.status == 2 and complaint in refused.err and "hush" not in refused.err
