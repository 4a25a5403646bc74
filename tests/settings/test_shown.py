"""The settings as people see them: values that a program can read, and no secret."""

import msgspec

from moorage.settings import load
from moorage.settings.shown import shown
from moorage.settings.table import SETTINGS

SECRET = "not-to-be-seen"


def rows(**environ):
    settings = load({"MOORAGE_HOME": "/nonexistent", **environ})
    return {row["name"]: row for row in msgspec.json.decode(msgspec.json.encode(shown(settings)))}


def test_every_value_is_json_also_that_of_a_database_without_a_password():
    found = rows(MOORAGE_DATABASE_URL="postgresql:///moorage?host=/run", MOORAGE_METRICS="on")
    assert found["database_url"]["value"] == "postgresql:///moorage?host=/run"
    assert found["database_url"]["source"] == "environment MOORAGE_DATABASE_URL"
    assert found["metrics"]["value"] == "127.0.0.1:8789"


def test_no_password_is_in_any_value():
    found = rows(
        MOORAGE_DATABASE_URL=f"postgresql://moorage:{SECRET}@db.example.com/moorage",
        MOORAGE_PROXY=f"http://moorage:{SECRET}@proxy.example.com:3128",
        MOORAGE_VAULT_KEY="5a" * 32,
    )
    assert SECRET not in repr(found) and "5a5a" not in repr(found)
    assert (
        found["database_url"]["value"] == found["proxy"]["value"] == found["vault_key"]["value"] == "secret"
    )


def test_every_setting_is_shown_with_its_meaning_and_secrets_as_such():
    found = rows(MOORAGE_VAULT_KEY="5a" * 32)
    assert list(found) == [setting.name for setting in SETTINGS]
    assert all(row["meaning"] for row in found.values())
    assert {name for name, row in found.items() if row["is_secret"] and row["value"]} == {"vault_key"}
