"""What tells an operator that a server can't do its work, and what callers read meanwhile."""

import json
import sqlite3
import time

import pytest

from tests.flows.conftest import finish, start
from tests.flows.test_server import connect
from tests.flows.walker import Walker, set_password
from tests.waiting import wait_until

LEADS = "/zoho-crm/crm/v8/Leads?fields=id"


@pytest.fixture
def starting(tmp_path):
    """Starts servers on one folder, one after the other, with settings of their own."""
    servers = []

    def starting(api_key=None, **settings):
        for server in servers:
            finish(server)
        servers.append(start(tmp_path / "home", api_key=api_key, **settings))
        return servers[-1]

    yield starting
    for server in servers:
        finish(server)


def ready(server):
    time.sleep(1.05)  # An answer may be a second old.
    status, _, body = server.call("GET", "/readyz", headers={"Authorization": ""})
    return status, json.loads(body)


def rename(server, table, name):
    """Rename a table of the CRM's registry behind the server's back."""
    connection = sqlite3.connect(server.home / "crm" / "registry.db")
    with connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO {name}")
    connection.close()


def test_a_server_that_loses_its_vault_key_says_so_and_the_right_one_mends_it(starting):
    server = starting()
    assert ready(server)[0] == 200
    key = server.home / "vault.key"
    right = key.read_text()
    key.write_text("22" * 32)
    status, body = ready(server)
    assert (status, body["error"]["code"]) == (503, "vault_locked")
    assert "MOORAGE_VAULT_KEY" in body["detail"]
    status, body = server.get(LEADS)
    assert (status, body["error"]["code"]) == (503, "vault_locked")
    assert server.call("GET", "/healthz")[0] == 200
    assert server.get("/connections")[0] == 200
    key.write_text(right)
    assert ready(server)[0] == 200
    assert server.get(LEADS)[0] == 200


def active(server):
    return server.get("/connections?status=ACTIVE")[1]["connections"][0]


def test_with_a_wrong_vault_key_nothing_can_be_connected(starting):
    server = starting()
    right = (server.home / "vault.key").read_text()
    (server.home / "vault.key").write_text("22" * 32)
    page = Walker().connect(active(server)["url"])
    assert page.status == 503 and "MOORAGE_VAULT_KEY" in page.text
    (server.home / "vault.key").write_text(right)
    assert ready(server)[0] == 200
    connect(server, "demo")


def test_a_vault_key_lost_while_a_person_signs_in_spends_nothing_of_theirs(starting):
    server = starting()
    right = (server.home / "vault.key").read_text()
    set_password(server, "demo")
    walker = Walker()
    page = walker.submit(walker.open(active(server)["url"]), place="crm/demo")
    if page.heading.startswith("Sign in to"):
        page = walker.sign_in(page)
    (server.home / "vault.key").write_text("22" * 32)
    refused = walker.submit(page, step="accept")
    assert refused.status == 503 and "MOORAGE_VAULT_KEY" in refused.text
    (server.home / "vault.key").write_text(right)
    assert walker.open(refused.url).heading.startswith("Connected to")


def test_a_server_is_not_started_without_the_vault_key_it_had(starting, tmp_path):
    first = starting(MOORAGE_VAULT_KEY="11" * 32)
    assert first.stop() == 0
    for settings in ({}, {"MOORAGE_VAULT_KEY": "22" * 32}):
        with pytest.raises(AssertionError, match="MOORAGE_VAULT_KEY"):
            start(tmp_path / "home", **settings)
    assert not (tmp_path / "home" / "vault.key").exists()
    assert starting(first.api_key, MOORAGE_VAULT_KEY="11" * 32).get(LEADS)[0] == 200


@pytest.mark.parametrize("table", ["alembic_version", "secrets"])
def test_a_control_database_that_can_not_be_read_shows(starting, table):
    server = starting()
    connection = sqlite3.connect(server.home / "moorage.db")
    with connection:
        connection.execute(f"DROP TABLE {table}")
    connection.close()
    status, body = ready(server)
    assert (status, body["error"]["code"]) == (503, "database_unusable")
    assert table in body["message"]


def test_a_control_database_in_trouble_is_told_to_callers_too(starting):
    server = starting()
    connection = sqlite3.connect(server.home / "moorage.db")
    with connection:
        connection.execute("DROP TABLE connections")
    connection.close()
    for path in ("/connections", LEADS):
        wait_until(lambda path=path: server.get(path)[0] == 503)
        assert server.get(path)[1]["error"]["code"] == "database_unusable"


def test_a_crm_registry_that_can_not_be_read_shows(starting):
    server = starting()
    rename(server, "organisations", "elsewhere")
    status, body = ready(server)
    assert (status, body["error"]["code"]) == (503, "database_unusable")
    assert "CRM" in body["message"]


def test_what_changes_is_noticed_again_once_a_registry_is_back(starting):
    server = starting()
    rename(server, "organisations", "elsewhere")
    time.sleep(1.2)  # Longer than it takes until somebody looks.
    rename(server, "elsewhere", "organisations")
    wait_until(lambda: ready(server)[0] == 200)
    assert server.get(LEADS)[0] == 200
    server.run("crm", "org", "delete", "demo", "--yes")
    wait_until(lambda: server.get(LEADS)[0] == 401)
    assert server.stop() == 0


def test_a_look_at_the_registry_takes_no_part_of_it_away(starting):
    server = starting()
    log = server.home / "crm" / "registry.db-wal"
    assert ready(server)[0] == 200
    before = log.stat().st_ino
    time.sleep(1.2)  # Longer than an answer is kept.
    assert ready(server)[0] == 200
    server.run("crm", "credentials")  # Whoever thinks itself the last one to use a file removes its log.
    assert log.stat().st_ino == before
    server.run("crm", "org", "delete", "demo", "--yes")
    wait_until(lambda: server.get(LEADS)[0] != 200)
