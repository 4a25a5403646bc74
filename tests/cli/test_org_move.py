"""`moorage crm org move` to another database: `demo` goes to PostgreSQL and back, with its credentials."""

import pytest


@pytest.fixture
def started(moorage, home, monkeypatch):
    monkeypatch.delenv("MOORAGE_API_KEY")
    assert moorage("init").status == 0
    monkeypatch.setenv("MOORAGE_API_KEY", "mk_test")
    return home


def slugs(moorage):
    return [row["slug"] for row in moorage("crm", "org", "list", "--json").json["organisations"]]


def secrets(moorage):
    credentials = moorage("crm", "credentials", "--json").json
    return [credentials[name] for name in ("client_id", "client_secret", "refresh_token")]


def test_it_goes_to_postgresql_and_back_with_its_credentials(
    moorage, started, monkeypatch, database_url, tmp_path
):
    before = secrets(moorage)
    file = tmp_path / "url"
    file.write_text(database_url)
    assert moorage("crm", "org", "move", "demo", "--to-file", file, "--dry-run").status == 0
    assert slugs(moorage) == ["demo"]
    moved = moorage("crm", "org", "move", "demo", "--to-file", file, "--yes")
    assert moved.status == 0 and "Copying its records" in moved.err
    assert slugs(moorage) == []
    (started / "crm" / "secret.key").rename(tmp_path / "kept.key")  # PostgreSQL needs no file of the folder.

    monkeypatch.setenv("MOORAGE_CRM_DATABASE_URL", database_url)
    assert (slugs(moorage), secrets(moorage)) == (["demo"], before)
    there = moorage("crm", "org", "move", "demo", "--to", database_url, "--yes")
    assert there.status != 0 and "there already" in there.err
    back = f"sqlite:///{tmp_path}/back"
    assert moorage("crm", "org", "move", "demo", "--to", back, "--yes", "--json").json == {
        "moved": "demo",
        "dry_run": False,
    }
    monkeypatch.setenv("MOORAGE_CRM_DATABASE_URL", back)
    assert (slugs(moorage), secrets(moorage)) == (["demo"], before)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "by --to or by --to-file"),
        (["--to", "main", "--to-file", "x"], "by --to or by --to-file"),
        (["--to", "mysql://db/x"], "mysql:// is not supported"),
        (["--to-file", "missing"], "--to-file:"),
    ],
)
def test_a_target_that_is_none_is_refused(moorage, started, arguments, complaint):
    refused = moorage("crm", "org", "move", "demo", *arguments)
    assert refused.status == 2
    assert complaint in refused.err
