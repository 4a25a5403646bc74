"""`moorage doctor`: its findings for data folders, from a missing folder to a folder where no database opens."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import sqlite3

import pytest

from moorage import settings
from moorage.connections.labels import Labels
from moorage.doctor import examination
from moorage.rooms import Urls, open_rooms
from moorage.serve.data_folder import Running, locked, write_note
from moorage.storage.migrate import HEAD
from tests.oauth.test_remote import Server


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def started(made, home, monkeypatch):
    """A data folder as the first start leaves it: an organisation, and a connection to it."""
    with monkeypatch.context() as context:
        context.delenv("MOORAGE_API_KEY")  # It is one to call with, and none to begin with.
        made("init")
    return home


def inside(home, work):
    async def over_the_folder():
        async with open_rooms(settings.load({}, home=home), Urls("", "")) as rooms:
            return await work(rooms)

    return asyncio.run(over_the_folder())


def files(home):
    """All files but SQLite's own files beside a database, which it makes for readers and may leave behind, empty."""
    paths = [path for path in home.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm"))]
    return {str(path.relative_to(home)): path.read_bytes() for path in paths}


def told(moorage, *options, status=0):
    """What it says by the name of each check; the connections' findings are listed under "connections"."""
    outcome = moorage("doctor", "--json", *options)
    assert (outcome.status, outcome.err) == (status, "")
    report = outcome.json
    assert report["healthy"] is (status == 0)
    checks = {check["check"]: check for check in report["checks"]}
    assert len(checks) == len(report["checks"])
    return checks | {"diagnoses": report["connections"]}


def is_told(check, code, severity="problem"):
    assert (check["code"], check["severity"]) == (code, severity), check
    return True


# Well


def test_all_is_well_after_the_first_start_and_stays_as_it_is(moorage, started):
    before = files(started)
    checks = told(moorage)
    assert list(checks)[:-1] == [
        "settings", "data folder", "disk", "control database", "vault key", "embedded CRM", "server", "vault",
        "request log", "organisations", "OAuth clients",
    ]  # fmt: skip
    [diagnosis] = checks.pop("diagnoses")
    assert {check["severity"] for check in checks.values()} == {"ok"}
    assert diagnosis["healthy"] and diagnosis["findings"][0]["code"] == "connected"
    assert files(started) == before


def test_people_read_a_line_for_each(moorage, started):
    outcome = moorage("doctor")
    lines = outcome.out.splitlines()
    assert outcome.status == 0 and len(lines) == 12
    assert all(line.startswith("ok       ") for line in lines)
    assert lines[3] == "ok       control database: The control database is sound and up to date."
    assert "Their callback URL is http://127.0.0.1:8787/connect/callback." in outcome.out


def test_the_callback_url_is_the_one_that_people_reach(moorage, started, monkeypatch):
    moorage("client", "set", "zoho-crm", "--client-id", "1000.ABC", "--secret-file", started / "vault.key")
    monkeypatch.setenv("MOORAGE_PUBLIC_URL", "https://moorage.example.com")
    check = told(moorage)["OAuth clients"]
    assert "https://moorage.example.com/connect/callback" in check["cause"]
    assert "zoho in all data centres (1000.ABC)" in check["evidence"]
    monkeypatch.delenv("MOORAGE_PUBLIC_URL")
    monkeypatch.setenv("MOORAGE_PORT", "0")
    assert "once a server runs" in told(moorage)["OAuth clients"]["cause"]


def test_one_connection_can_be_looked_at_alone(moorage, started):
    async def another(rooms):
        account = await rooms.keys.first_account()
        return (await rooms.connections.create(account, "zoho-crm", labels=Labels("sales-eu"))).id

    waiting = inside(started, another)
    assert len(told(moorage)["diagnoses"]) == 1
    [diagnosis] = told(moorage, "--connection", waiting.upper())["diagnoses"]
    assert (diagnosis["connection_id"], diagnosis["healthy"]) == (waiting, False)
    assert waiting not in moorage("doctor").out  # It is no trouble, unless somebody asks for it.
    named = moorage("doctor", "--connection", waiting).out
    assert f"warning  connection sales-eu, {waiting} (zoho-crm, PENDING): Nobody" in named
    assert moorage("doctor", "--connection", "sales-eu").out == named

    async def fail(rooms):
        connection = await rooms.connections.get(await rooms.keys.first_account(), waiting)
        async with rooms.database.transaction() as tx:
            await rooms.connections.fail_in(tx, connection, "access_denied")

    inside(started, fail)  # Nobody ever used it, and it ends by itself, too.
    assert waiting not in moorage("doctor").out
    assert waiting in moorage("doctor", "--connection", waiting).out
    outcome = moorage("doctor", "--connection", "nope", "--json")
    assert (outcome.status, outcome.out, outcome.error["code"]) == (5, "", "connection_unknown")


# Not there, or in the wrong hands


def test_where_nothing_was_started_it_says_how_to_and_makes_nothing(moorage, home):
    checks = told(moorage)
    assert (
        is_told(checks["data folder"], "not_started", "warning")
        and "moorage up" in checks["data folder"]["fix"]
    )
    assert is_told(checks["connections"], "not_looked_at", "warning") and not home.exists()
    home.mkdir(mode=0o700)
    checks = told(moorage)
    for name in ("control database", "vault key", "embedded CRM"):
        assert is_told(checks[name], "not_started", "warning")
    assert list(home.iterdir()) == []


def test_a_folder_that_others_may_read_is_told(moorage, started):
    started.chmod(0o755)
    (started / "vault.key").chmod(0o644)
    check = told(moorage)["data folder"]
    assert is_told(check, "home_open", "warning")
    assert (
        "home has the mode 0755" in check["evidence"] and "vault.key has the mode 0644" in check["evidence"]
    )
    assert f"chmod -R go= {started}" in check["fix"]


def test_a_folder_that_is_a_file_is_told(moorage, home):
    home.write_text("")
    assert is_told(told(moorage, status=1)["data folder"], "home_unusable")


# Settings


def test_a_setting_that_makes_no_sense_is_a_finding(moorage, monkeypatch):
    monkeypatch.setenv("MOORAGE_PORT", "many")
    monkeypatch.setenv("MOORAGE_VAULT_KEY", "neither base64 nor hexadecimal")
    checks = told(moorage, status=1)
    assert is_told(checks["settings"], "settings_invalid")
    assert (
        "MOORAGE_PORT" in checks["settings"]["cause"] and "MOORAGE_VAULT_KEY" in checks["settings"]["cause"]
    )
    assert "neither" not in moorage("doctor").out


def test_the_file_of_an_app_that_makes_no_sense_is_told_beside_all_else(moorage, started):
    (started / "providers").mkdir()
    (started / "providers" / "example.toml").write_text("name = 7")
    checks = told(moorage, status=1)
    assert is_told(checks["settings"], "settings_invalid") and "example.toml" in checks["settings"]["cause"]
    assert is_told(checks["control database"], "database_sound", "ok")


def test_clients_that_make_no_sense_are_told_without_their_secrets(moorage, started, monkeypatch):
    monkeypatch.setenv("MOORAGE_OAUTH_CLIENTS", '{"zoho": {"client_secret": "hush"}}')
    checks = told(moorage, status=1)
    assert is_told(checks["settings"], "settings_invalid") and "hush" not in str(checks)
    assert "MOORAGE_OAUTH_CLIENTS: zoho has no client_id" in checks["settings"]["cause"]


# Databases


def test_a_request_log_that_cannot_be_written_is_told_beside_all_else(moorage, started, monkeypatch):
    (started / "requests.db").write_bytes(b"This is no database. " * 500)
    checks = told(moorage, status=1)
    assert is_told(checks["request log"], "database_unusable")
    assert is_told(checks["organisations"], "organisations_open", "ok")
    (started / "requests.db").unlink()
    assert is_told(told(moorage)["request log"], "requests_not_begun", "ok")
    monkeypatch.setenv("MOORAGE_REQUESTS_KEPT", "0")
    assert is_told(told(moorage)["request log"], "requests_off", "ok")


def without_log(database):
    for suffix in ("-wal", "-shm"):
        database.with_name(f"{database.name}{suffix}").unlink(missing_ok=True)
    return database


@pytest.mark.parametrize(
    ("file", "name"), [("moorage.db", "control database"), ("crm/registry.db", "embedded CRM")]
)
def test_a_file_that_is_no_database_is_told(moorage, started, file, name):
    without_log(started / file).write_bytes(b"nothing of the kind, and more of it than a header has" * 9)
    check = told(moorage, status=1)[name]
    assert is_told(check, "database_unusable") and "file is not a database" in str(check)


@pytest.mark.parametrize(
    ("file", "name"), [("moorage.db", "control database"), ("crm/registry.db", "embedded CRM")]
)
def test_a_database_that_is_damaged_inside_is_told(moorage, started, file, name):
    database = without_log(started / file)
    content = database.read_bytes()
    database.write_bytes(content[:4096] + b"\xff" * 4096 * 3 + content[4096 * 4 :])
    assert is_told(told(moorage, status=1)[name], "database_unusable")


def set_schema(home, version):
    with contextlib.closing(sqlite3.connect(home / "moorage.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [version])


def test_a_database_of_a_newer_version_is_told(moorage, started):
    set_schema(started, "9999")
    check = told(moorage, status=1)["control database"]
    assert is_told(check, "database_unusable") and f"this version supports {HEAD}" in check["evidence"]


def test_a_database_of_an_older_version_is_told_and_not_brought_up_to_date(moorage, started):
    set_schema(started, "0001")
    before = files(started)
    check = told(moorage)["control database"]
    assert is_told(check, "not_started", "warning") and "moorage up" in check["fix"]
    assert files(started) == before


def test_a_table_that_is_gone_is_told(moorage, started):
    with contextlib.closing(sqlite3.connect(started / "moorage.db")) as connection, connection:
        connection.execute("DROP TABLE oauth_clients")
    assert "oauth_clients" in told(moorage, status=1)["databases"]["cause"]


# The vault


def test_a_vault_key_that_is_not_the_right_one_is_told(moorage, started, monkeypatch):
    monkeypatch.setenv("MOORAGE_VAULT_KEY", "ab" * 32)
    checks = told(moorage, status=1)
    assert is_told(checks["vault"], "vault_locked") and "unknown key" in checks["vault"]["evidence"]
    assert is_told(checks["diagnoses"][0]["findings"][0], "vault_locked")


@pytest.mark.parametrize("content", [None, "", "zz"], ids=["missing", "empty", "no key"])
def test_a_text_that_is_no_vault_key_is_told_and_no_other_key_is_made(moorage, started, content):
    file = started / "vault.key"
    file.unlink()
    if content is not None:
        file.write_text(content)
    before = files(started)
    check = told(moorage, status=1)["vault key"]
    assert is_told(check, "settings_invalid" if content else "vault_locked")
    assert "vault.key" in str(check) and "'zz'" not in str(check) and files(started) == before


# The embedded CRM


def test_a_crm_without_its_key_is_told_and_no_other_is_made(moorage, started):
    (started / "crm" / "secret.key").unlink()
    check = told(moorage, status=1)["embedded CRM"]
    assert is_told(check, "database_unusable") and "secret.key" in check["evidence"]
    assert not (started / "crm" / "secret.key").exists()


def test_an_organisation_that_is_damaged_is_told_without_a_traceback(moorage, started):
    without_log(started / "crm" / "orgs" / "demo.db").write_bytes(b"nothing of the kind" * 99)
    checks = told(moorage, status=1)
    assert is_told(checks["organisation demo"], "organisation_damaged")
    assert "0 of 1" in checks["organisations"]["cause"]
    assert is_told(checks["diagnoses"][0]["findings"][0], "api_failing")


def test_an_organisation_that_is_gone_is_told_with_the_connection_that_leads_there(moorage, started):
    moorage("crm", "org", "delete", "demo", "--yes")
    outcome = moorage("doctor")
    problem, evidence, fix = outcome.out.splitlines()[-3:]
    assert outcome.status == 1 and problem.startswith("problem  connection ")
    assert problem.endswith("The organisation is no longer in the embedded CRM.")
    assert evidence.startswith("         evidence: ") and fix.startswith("         fix: ")


def test_what_another_side_said_reaches_no_terminal_as_a_command(moorage, started):
    async def fail(rooms):
        [connection] = await rooms.connections.every()
        async with rooms.database.transaction() as tx:
            await rooms.connections.fail_in(tx, connection, "\x1b[2Jinvalid\r\ncode")

    inside(started, fail)
    out = moorage("doctor").out
    assert "\x1b" not in out and "\r" not in out and "[2Jinvalid" in out


# A server


@pytest.fixture
def answering():
    server = Server()
    yield server
    server.close()


def nobodys_url():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def note(home, pid, gateway):
    write_note(home, Running(pid, gateway, gateway))


def test_a_server_that_is_ready_is_told(moorage, started, answering):
    with locked(started):
        note(started, os.getpid(), answering.url)
        assert is_told(told(moorage)["server"], "ready", "ok")
    assert [path for _, path, _, _ in answering.seen] == ["/readyz"]


@pytest.mark.parametrize(
    ("held", "code"),
    [
        ({"open": 9, "limit": 10}, "nearly_full"),
        ({"open": 8, "limit": 10}, "ready"),
        ({"limit": None}, "ready"),
    ],
)
def test_a_server_that_is_nearly_full_of_connections_is_told(moorage, started, answering, held, code):
    answering.answer = json.dumps({"status": "ready", "connections": held}).encode()
    with locked(started):
        note(started, os.getpid(), answering.url)
        check = told(moorage)["server"]
    assert is_told(check, code, "ok" if code == "ready" else "warning")
    assert code == "ready" or "9 of 10" in check["evidence"]


def test_a_server_that_does_not_answer_is_told_as_long_as_it_holds_the_folder(moorage, started):
    note(started, os.getpid(), nobodys_url())
    with locked(started):
        check = told(moorage, status=1)["server"]
    assert is_told(check, "server_silent") and str(os.getpid()) in check["evidence"]
    check = told(moorage)["server"]
    assert is_told(check, "not_running", "ok") and "was killed, or this folder is a copy" in check["evidence"]


def test_the_note_of_another_folders_server_is_not_believed(moorage, started, answering, tmp_path):
    with locked(started):
        note(started, os.getpid(), answering.url)
        copy = shutil.copytree(started, tmp_path / "copy")
        assert is_told(told(moorage, "--home", copy)["server"], "not_running", "ok")
    assert answering.seen == []


def test_a_disk_that_fails_is_a_finding(monkeypatch, home):
    def failing(_settings):
        raise OSError(5, "Input/output error", "/disk/vault.key")

    check = examination._look("vault key", failing, settings.load({}, home=home))
    assert (check.finding.code, check.finding.severity) == ("system", "problem")
    assert (check.finding.cause, check.finding.evidence) == ("Input/output error", "/disk/vault.key")


@pytest.mark.parametrize(
    ("host", "public_url", "told"),
    [
        ("0.0.0.0", None, True),
        ("0.0.0.0", "http://moorage.example.com", True),
        ("0.0.0.0", "https://moorage.example.com", False),
        ("127.0.0.1", None, False),
    ],
)
def test_a_server_that_is_reached_without_tls_is_a_remark_and_no_failure(
    moorage, started, monkeypatch, host, public_url, told
):
    monkeypatch.setenv("MOORAGE_HOST", host)
    if public_url is not None:
        monkeypatch.setenv("MOORAGE_PUBLIC_URL", public_url)
    outcome = moorage("doctor", "--json")
    network_checks = [check for check in outcome.json["checks"] if check["check"] == "network"]
    assert outcome.status == 0 and [check["code"] for check in network_checks] == ["plain_http"] * told


# PostgreSQL


@pytest.fixture
def elsewhere(started, monkeypatch):
    """Lets the control database be at another URL."""

    def elsewhere(url):
        monkeypatch.setenv("MOORAGE_DATABASE_URL", url)
        monkeypatch.setenv("MOORAGE_VAULT_KEY_FILE", str(started / "vault.key"))

    return elsewhere


def test_a_control_database_in_postgresql_is_told_with_its_server(moorage, elsewhere, database_url):
    assert moorage("move", "control", "--to", database_url).status == 0
    elsewhere(database_url)
    check = told(moorage)["control database"]
    assert is_told(check, "database_sound", "ok") and re.search(
        r"PostgreSQL \d.*connections in use", check["evidence"]
    )


def test_a_database_in_postgresql_that_is_empty_is_told(moorage, elsewhere, database_url):
    elsewhere(database_url)
    assert is_told(told(moorage)["control database"], "not_started", "warning")


def test_a_server_of_postgresql_that_is_away_is_told_without_the_password(moorage, elsewhere):
    elsewhere("postgresql://moorage:hush@127.0.0.1:1/moorage")
    checks = told(moorage, status=1)
    assert is_told(checks["control database"], "database_unusable") and "hush" not in str(checks)
    assert "can't be reached" in checks["control database"]["cause"]


def test_a_vault_key_that_other_machines_lack_is_told(moorage, elsewhere, database_url, monkeypatch):
    elsewhere(database_url)
    monkeypatch.delenv("MOORAGE_VAULT_KEY_FILE")
    check = told(moorage, status=1)["vault key"]
    assert is_told(check, "vault_key_missing") and "MOORAGE_VAULT_KEY_FILE" in check["fix"]
