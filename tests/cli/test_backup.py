"""`moorage backup` and `moorage restore`: everything goes into one sealed file, and comes back, on either storage."""

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from moorage import __file__ as package
from moorage.operator.backups import making, sealed
from moorage.serve.data_folder import locked
from moorage.storage import placing
from tests.flows.test_pages import section

SHIPPED = Path(package).parent / "oauth" / "apps" / "providers"
PASSPHRASE = "correct horse battery staple"


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """A key costs next to nothing, and chunks are small."""
    monkeypatch.setattr(sealed, "COST", 2)
    monkeypatch.setattr(sealed, "CHUNK", 4096)
    monkeypatch.setenv("MOORAGE_BACKUP_PASSPHRASE", PASSPHRASE)
    monkeypatch.delenv("MOORAGE_API_KEY")


@pytest.fixture
def filled(made, moorage, kept_folders, tmp_path):
    """A data folder with an organisation, its snapshot, a logged call, an app and a settings file."""
    home, kept = tmp_path / "home", kept_folders / "filled"
    if not kept.exists():
        made("init")
        _fill(home)
        saved = moorage("backup", tmp_path / "all.backup")
        assert saved.status == 0 and "1 organisation, " in saved.out
        shutil.copytree(home, kept)
        shutil.copy(tmp_path / "all.backup", kept_folders / "all.backup")
        shutil.rmtree(home)
    shutil.copytree(kept, home)
    return home


def _fill(home):
    (home / "providers").mkdir()
    text = (SHIPPED / "stripe.toml").read_text()
    (home / "providers" / "mine.toml").write_text(text.replace('"stripe"', '"mine"'))
    (home / "moorage.toml").write_text('log_level = "warning"\n')
    (home / "moorage.toml").chmod(0o600)
    with closing(sqlite3.connect(home / "requests.db")) as connection:
        connection.execute("INSERT INTO blocks VALUES (1, 2, 'a', 2, 0, x'00ff')")
        connection.commit()
    (home / "crm" / "snapshots" / "demo").mkdir(parents=True)
    snapshot = home / "crm" / "snapshots" / "demo" / "first.db"
    shutil.copy(home / "crm" / "orgs" / "demo.db", snapshot)
    os.utime(snapshot, (1_700_000_000, 1_700_000_000))


def saved_second(home):
    return int((home / "crm" / "snapshots" / "demo" / "first.db").stat().st_mtime)


@pytest.fixture
def file(filled, kept_folders, tmp_path):
    """The backup of it."""
    return Path(shutil.copy(kept_folders / "all.backup", tmp_path / "all.backup"))


def elsewhere(monkeypatch, home):
    monkeypatch.setenv("MOORAGE_HOME", str(home))
    return home


def state(moorage):
    """What an installation shows of itself."""
    assert moorage("audit", "--verify").status == 0
    credentials = moorage("crm", "credentials", "--json").json
    return {
        "keys": moorage("key", "list", "--json").json,
        "organisations": [
            row["slug"] for row in moorage("crm", "org", "list", "--json").json["organisations"]
        ],
        "credentials": [credentials[name] for name in ("client_id", "client_secret", "refresh_token")],
        "vault": moorage("vault", "status", "--json").json["keys"][0]["id"],
    }


def rows_of(moorage, tmp_path):
    """All rows of the organisation but those that each storage has for itself: indexes, full text, counters."""
    snapshot = tmp_path / "rows.db"
    assert moorage("crm", "org", "snapshot", "demo", snapshot, "--yes").status == 0
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%' ORDER BY name"
    with closing(sqlite3.connect(snapshot)) as connection:
        names = [name for (name,) in connection.execute(tables) if not name.startswith(("text", "counters"))]
        rows = {name: connection.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall() for name in names}
    return {name: content for name, content in rows.items() if content}


def test_everything_comes_back_in_an_empty_folder(file, filled, moorage, monkeypatch, tmp_path):
    assert file.stat().st_mode & 0o777 == 0o600
    checked = moorage("backup", "--check", file, "--json").json
    assert {part["name"] for part in checked["parts"]} == {
        "about.json", "vault.key", "moorage.db", "requests.db", "crm/registry.db", "crm/secret.key",
        "crm/orgs/demo.db", "crm/snapshots/demo/first.db", "providers/mine.toml", "moorage.toml",
    }  # fmt: skip
    before = state(moorage)
    home = elsewhere(monkeypatch, tmp_path / "new")
    restored = moorage("restore", file, "--json")
    assert (restored.status, restored.json["organisations"], restored.json["kept"]) == (0, ["demo"], None)
    assert state(moorage) == before
    noted = moorage("audit", "--action", "backup", "--json").json["entries"]
    assert [entry["action"] for entry in noted] == ["backup.restored"]
    assert '"mine"' in (home / "providers" / "mine.toml").read_text()
    assert (home / "moorage.toml").exists()
    assert saved_second(home) == saved_second(filled)
    assert not [path for path in home.rglob("*") if path.stat().st_mode & 0o077]
    with closing(sqlite3.connect(home / "requests.db")) as connection:
        assert connection.execute("SELECT content FROM blocks").fetchall() == [(b"\x00\xff",)]
    elsewhere(monkeypatch, filled)
    noted = moorage("audit", "--action", "backup", "--json").json["entries"]
    assert [(entry["action"], entry["after"]["requests"]) for entry in noted] == [("backup.made", True)]


def test_it_goes_to_postgresql_and_back(file, moorage, monkeypatch, new_database, tmp_path, filled):
    before, records = state(moorage), rows_of(moorage, tmp_path)
    there = elsewhere(monkeypatch, tmp_path / "there")
    control, crm = new_database(), new_database()
    monkeypatch.setenv("MOORAGE_DATABASE_URL", control)
    monkeypatch.setenv("MOORAGE_CRM_DATABASE_URL", crm)
    restored = moorage("restore", file)
    assert f"MOORAGE_VAULT_KEY_FILE={there / 'vault.key'}" in restored.out
    monkeypatch.setenv("MOORAGE_VAULT_KEY_FILE", str(there / "vault.key"))
    assert moorage("crm", "credentials", "--json").json["refresh_token"] in before["credentials"]
    with psycopg.connect(control) as connection:
        assert connection.execute("SELECT content FROM moorage_requests.blocks").fetchone() == (b"\x00\xff",)
    with psycopg.connect(crm) as connection:
        kept = connection.execute("SELECT name, saved_at / 1000000 FROM moorage_crm.snapshots").fetchall()
        assert kept == [("first", saved_second(filled))]
        assert connection.execute("SELECT count(*) FROM moorage_crm.unfinished").fetchone() == (0,)
    assert not (there / "crm" / "secret.key").exists()  # It is sealed, in the control database.
    refused = moorage("restore", file, "--replace", "--yes", "--json")
    assert refused.error["code"] == "database_not_empty" and "never replaced" in refused.error["help"]

    again = tmp_path / "again.backup"
    assert moorage("backup", again, "--without-requests").status == 0
    for name in ("MOORAGE_DATABASE_URL", "MOORAGE_CRM_DATABASE_URL", "MOORAGE_VAULT_KEY_FILE"):
        monkeypatch.delenv(name)
    back = elsewhere(monkeypatch, tmp_path / "back")
    assert moorage("restore", again).status == 0
    assert state(moorage) == before and rows_of(moorage, tmp_path) == records
    assert saved_second(back) == saved_second(filled) and not (back / "requests.db").exists()


def files_of(home):
    """What is in a folder, but for what each command leaves of itself."""
    return sorted(
        str(path.relative_to(home)) for path in home.rglob("*") if path.is_file() and path.name != "lock"
    )


def test_what_is_there_is_only_replaced_if_that_is_wanted_and_kept_beside(file, moorage, home_of_another):
    refused = moorage("restore", file, "--json")
    assert (refused.status, refused.error["code"]) == (1, "database_not_empty")
    assert "--replace" in refused.error["help"]
    assert moorage("restore", file, "--replace").status == 2  # There is no terminal to ask at.
    before = files_of(home_of_another)
    kept = Path(moorage("restore", file, "--replace", "--yes", "--json").json["kept"])
    others = {name for name in before if name.startswith("run/")} | {"vault.lock", "moorage.toml"}
    assert kept.parent == home_of_another and set(files_of(kept)) == set(before) - others
    assert (home_of_another / "moorage.toml.restored").exists()
    assert moorage("doctor").status == 0


@pytest.fixture
def home_of_another(filled, monkeypatch, tmp_path):
    return elsewhere(monkeypatch, Path(shutil.copytree(filled, tmp_path / "another")))


def test_a_backup_that_is_cut_changes_nothing(file, moorage, home_of_another):
    file.write_bytes(file.read_bytes()[:-5000])
    before = files_of(home_of_another)
    refused = moorage("restore", file, "--replace", "--yes", "--json")
    assert (refused.status, refused.error["code"]) == (1, "backup_damaged")
    assert moorage("backup", "--check", file).status == 1
    assert files_of(home_of_another) == before and not placing.stage_of(home_of_another).exists()


@pytest.mark.parametrize(
    ("variable", "text", "code", "status"),
    [
        ("MOORAGE_BACKUP_PASSPHRASE", "another passphrase", "passphrase_wrong", 4),
        ("MOORAGE_VAULT_KEY", "5a" * 32, "settings_invalid", 7),
    ],
)
def test_with_another_key_nothing_is_restored(
    file, moorage, monkeypatch, tmp_path, variable, text, code, status
):
    home = elsewhere(monkeypatch, tmp_path / "new")
    monkeypatch.setenv(variable, text)
    refused = moorage("restore", file, "--json")
    assert (refused.status, refused.error["code"]) == (status, code)
    assert files_of(home) == [] and text not in refused.err


def test_what_is_mounted_can_not_be_replaced_so_nothing_is(file, moorage, monkeypatch, tmp_path):
    home = elsewhere(monkeypatch, tmp_path / "new")
    monkeypatch.setattr(Path, "is_mount", lambda path: path.name == "providers")
    refused = moorage("restore", file, "--json")
    assert (
        refused.error["code"] == "settings_invalid"
        and f"{home / 'providers'} is a mount point" in refused.err
    )
    assert files_of(home) == []


def test_a_backup_of_a_newer_version_is_refused(filled, moorage, monkeypatch, tmp_path):
    about = making._about
    newer = {"control": "9999", "requests": "0001", "crm": "0001"}
    monkeypatch.setattr(making, "_about", lambda rooms, **how: about(rooms, **how) | {"schemas": newer})
    assert moorage("backup", tmp_path / "file").status == 0
    elsewhere(monkeypatch, tmp_path / "new")
    refused = moorage("restore", tmp_path / "file", "--json")
    assert refused.error["code"] == "backup_unreadable" and "newer" in refused.err


def test_while_a_server_runs_a_backup_is_made_and_none_is_restored(file, filled, moorage, tmp_path):
    with locked(filled):
        assert moorage("backup", tmp_path / "second").status == 0
        assert moorage("restore", file, "--replace", "--yes").status == 6


def test_an_interrupted_restore_is_completed_by_the_next_start(file, moorage, monkeypatch, home_of_another):
    monkeypatch.setattr(placing, "settle", lambda _: None)  # As if it were killed.
    assert moorage("restore", file, "--replace", "--yes").status == 0
    monkeypatch.undo()
    elsewhere(monkeypatch, home_of_another)
    monkeypatch.setenv("MOORAGE_BACKUP_PASSPHRASE", PASSPHRASE)
    refused = moorage("key", "list", "--json")
    assert refused.error["code"] == "home_unusable" and "interrupted" in refused.err
    assert moorage("init").status == 0
    assert [row["slug"] for row in moorage("crm", "org", "list", "--json").json["organisations"]] == ["demo"]


def test_a_backup_that_fails_leaves_the_older_one(file, filled, moorage, tmp_path):
    before = file.read_bytes()
    (filled / "crm" / "orgs" / "demo.db").write_bytes(b"no database")
    assert moorage("backup", file, "--yes").status == 1
    assert file.read_bytes() == before and list(tmp_path.glob("*.partial")) == []
    assert list((filled / "run").glob("backup/*")) == []


def test_two_backups_into_one_file_at_once_are_refused(filled, moorage, tmp_path):
    with making._new_file(tmp_path / "file"):
        refused = moorage("backup", tmp_path / "file", "--json")
    assert refused.error["code"] == "backup_busy"


def test_a_recovery_key_is_shown_once_and_opens_however_it_is_typed(filled, moorage, monkeypatch, tmp_path):
    key = moorage("backup", tmp_path / "file", "--recovery-key", "--json").json["recovery_key"]
    assert len(key.replace("-", "")) == 32
    assert moorage("backup", "--check", tmp_path / "file").status == 4
    monkeypatch.setenv("MOORAGE_BACKUP_PASSPHRASE", key.lower().replace("-", " "))
    assert moorage("backup", "--check", tmp_path / "file").status == 0


@pytest.mark.parametrize(
    ("content", "arguments", "complaint"),
    [
        ("too short", [], "fewer than 12"),
        ("", [], "is empty"),
        (None, [], "there is no file"),
        ("long enough to use", ["--recovery-key"], "not both"),
        ("long enough to use", ["--check", "--recovery-key"], "--check takes"),
    ],
)
def test_a_passphrase_that_can_not_be_used_is_refused(moorage, home, tmp_path, content, arguments, complaint):
    words = tmp_path / "words"
    if content is not None:
        words.write_text(content)
    refused = moorage("backup", tmp_path / "file", "--passphrase-file", words, *arguments)
    assert refused.status == 2 and complaint in refused.err and not (tmp_path / "file").exists()


def test_without_a_terminal_and_a_passphrase_it_says_where_to_put_one(
    moorage, home, monkeypatch, typed, tmp_path
):
    monkeypatch.delenv("MOORAGE_BACKUP_PASSPHRASE")
    typed("")
    refused = moorage("backup", tmp_path / "file")
    assert refused.status == 2 and "MOORAGE_BACKUP_PASSPHRASE" in refused.err


@pytest.fixture
def as_shown(moorage, tmp_path):
    """Does what a section of a page shows after its prompts. Gives what the commands of Moorage printed."""

    def as_shown(page, heading):
        shown = re.findall(r"^ *\$ (.*)$", section(page, heading), re.MULTILINE)
        outcomes = []
        for line in [line.replace("/tmp/", f"{tmp_path}/") for line in shown]:
            if line.startswith("moorage "):
                outcomes.append(moorage(*shlex.split(line)[1:]))
                assert outcomes[-1].status == 0, (line, outcomes[-1].err)
            else:
                subprocess.run(["/bin/sh", "-ec", line], check=True, capture_output=True)
        return [outcome.out for outcome in outcomes]

    return as_shown


@pytest.mark.filterwarnings("ignore:subprocess .* still running")
def test_a_server_is_saved_while_it_works_upgraded_and_brought_back_as_the_pages_show(
    as_shown, filled, moorage, monkeypatch, tmp_path
):
    for port in ("MOORAGE_PORT", "MOORAGE_CRM_PORT"):
        monkeypatch.setenv(port, "0")
    (tmp_path / "backup-passphrase").write_text(PASSPHRASE)
    try:
        as_shown("docs/upgrade.md", "Bring it to a newer version")
        assert moorage("status", "--json").json["state"] == "ready"
        saved, checked = as_shown("docs/backup.md", "Make a backup")
        assert saved.startswith("Saved everything in") and " is whole: " in checked
        restored, found = as_shown("docs/backup.md", "Restore it")
        assert restored.startswith("Restored") and "\nproblem" not in found
    finally:
        moorage("stop")
    (tmp_path / "backup-passphrase").write_text(PASSPHRASE)  # The page has made another one.
    stopped, back = as_shown("docs/upgrade.md", "Go back")
    assert "No server runs" in stopped and f"is in {filled / 'replaced-'}" in back


def test_no_database_is_changed_if_a_newer_version_has_written_one_of_them(filled, moorage):
    for name, table, schema in (
        ("moorage", "alembic_version", "0001"),
        ("requests", "requests_alembic_version", "9999"),
    ):
        with closing(sqlite3.connect(filled / f"{name}.db")) as connection:
            connection.execute(f"UPDATE {table} SET version_num = '{schema}'")
            connection.commit()
    refused = moorage("init", "--json")
    assert refused.error["code"] == "database_unusable" and "newer Moorage" in refused.err
    assert not (filled / "backups").exists()
