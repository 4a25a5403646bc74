"""Servers whose databases are in PostgreSQL: their first start, and what they say while PostgreSQL is away."""

import asyncio
import os
import subprocess
import sys
from contextlib import closing

import psycopg
import pytest

from moorage.first_start import first_start
from moorage.settings import load
from moorage.storage.migrate import migrate
from moorage.vault.errors import VaultKeyUnshared
from tests import forked
from tests.control import Caller, Control
from tests.control_database import VAULT_KEY

START = """
import asyncio, os, sys
from moorage.first_start import first_start
from moorage.settings import load

print(asyncio.run(first_start(load(os.environ, home=sys.argv[1]))).api_key or "none")
"""


def started(tmp_path, environ, count=3):
    """What processes with a data folder each say of the first key, if they start on the same databases at once."""
    folders = [tmp_path / f"home-{number}" for number in range(count)]
    for folder in folders:
        folder.mkdir()
    running = [
        forked.popen(
            [sys.executable, "-c", START, folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environ,
        )
        for folder in folders
    ]
    ended = [(*process.communicate(timeout=120), process.returncode) for process in running]
    assert [error for _, error, status in ended if status] == []
    return [out.strip() for out, _, _ in ended]


def made(url):
    """How many keys, connections and organisations there are."""
    with psycopg.connect(url) as connection:
        tables = (
            "moorage.api_keys",
            "moorage.connections WHERE status = 'ACTIVE'",
            "moorage_crm.organisations",
        )
        return [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]


@pytest.fixture
def environ(database_url):
    return {
        "MOORAGE_DATABASE_URL": database_url,
        "MOORAGE_CRM_DATABASE_URL": database_url,
        "MOORAGE_VAULT_KEY": VAULT_KEY,
    }


def test_servers_that_start_on_empty_databases_at_once_make_one_key_and_one_demo(
    tmp_path, environ, database_url
):
    said = started(tmp_path, environ)
    [key] = [secret for secret in said if secret != "none"]
    assert key.startswith("mk_live_") and made(database_url) == [1, 1, 1]


def test_a_chosen_key_becomes_the_key_once(tmp_path, environ, database_url):
    key = "a-chosen-key-0123456789"
    assert started(tmp_path, environ | {"MOORAGE_API_KEY": key}) == ["none"] * 3
    assert made(database_url) == [1, 1, 1]
    with closing(Control(tmp_path / "home-1", environ)) as control:
        assert control.call("GET", "/connections", key=key).status == 200


def test_without_a_vault_key_nothing_is_made(tmp_path, environ, database_url):
    settings = load(
        {name: text for name, text in environ.items() if name != "MOORAGE_VAULT_KEY"}, home=tmp_path
    )
    with pytest.raises(VaultKeyUnshared, match="MOORAGE_VAULT_KEY is not set") as caught:
        asyncio.run(first_start(settings))
    assert "openssl rand" in caught.value.help
    (tmp_path / "vault.key").write_text(VAULT_KEY)
    with pytest.raises(VaultKeyUnshared) as caught:
        asyncio.run(first_start(settings))
    assert f"MOORAGE_VAULT_KEY_FILE={tmp_path / 'vault.key'}" in caught.value.help
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT to_regnamespace('moorage')").fetchone() == (None,)


def test_while_the_server_of_the_database_is_away_callers_are_told_and_everything_comes_back(
    tmp_path, new_postgresql
):
    server = new_postgresql()
    migrate(server.url)
    environ = {"MOORAGE_DATABASE_URL": server.url, "MOORAGE_VAULT_KEY": VAULT_KEY}
    with closing(Control(tmp_path / "home", environ)) as control:
        owner = Caller(control, "owner")
        connection = owner.connect()
        assert control.call("GET", "/readyz").status == 200
        server.stop("immediate")
        control.rooms.keys.clear()
        control.rooms.readiness._result = (-10.0, None)
        for answer in (owner.get("/connections"), owner.call("POST", "/connections", {"app": "zoho-crm"})):
            assert (answer.status, answer.code) == (503, "database_unusable")
            assert answer.headers["retry-after"] == "2"
        ready = control.call("GET", "/readyz")
        assert (
            ready.status == 503
            and "The control database can't be used: its server can't be reached" in ready.text
        )
        server.start()
        assert [each["id"] for each in owner.get("/connections").json["connections"]] == [connection["id"]]
        control.rooms.readiness._result = (-10.0, None)
        assert control.call("GET", "/readyz").status == 200
