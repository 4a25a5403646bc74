"""Keys of a data folder that an older version wrote."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from alembic import command
from alembic.config import Config

from moorage.clock import SystemClock
from moorage.digests import digest_of
from moorage.keys.errors import KeyInvalid
from moorage.keys.scopes import EVERYTHING
from moorage.rooms import Rooms, Urls
from moorage.settings import load
from moorage.storage.migrate import MIGRATIONS, migrate
from moorage.storage.sqlite import Sqlite

MADE_BEFORE = "mk_" + "x" * 49
CHOSEN = "a key of sixteen"
REVOKED = "mk_" + "y" * 49


@pytest.fixture
def home(tmp_path):
    """A folder as the first version left it, with three keys and a connection."""
    home = tmp_path / "home"
    home.mkdir()
    engine = Sqlite(f"sqlite:///{home / 'moorage.db'}").writing()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    with closing(sqlite3.connect(home / "moorage.db")) as database, database:
        database.execute("INSERT INTO accounts VALUES ('a', 'default', 1)")
        for number, (secret, revoked) in enumerate(((MADE_BEFORE, None), (CHOSEN, None), (REVOKED, 7))):
            database.execute(
                "INSERT INTO api_keys VALUES (?, 'a', ?, ?, ?, ?, ?)",
                (f"key_{number}", f"name {number}", digest_of(secret), number, number + 10, revoked),
            )
        database.execute(
            "INSERT INTO connections VALUES ('c', 'a', 'zoho-crm', 'OAUTH2', 'PENDING', 1, 1, 0, '{}', '{}')"
        )
    return home


@pytest.fixture
def inside(home):
    settings = load({}, home=home)

    def run(work):
        async def over_the_folder():
            migrate(settings.database_url)
            rooms = Rooms(settings, Urls("", ""), SystemClock())
            try:
                return await work(rooms)
            finally:
                await rooms.close()

        return asyncio.run(over_the_folder())

    return run


@pytest.mark.parametrize("secret", [MADE_BEFORE, CHOSEN])
def test_they_work_as_before_and_gain_nothing_that_there_was_not_then(inside, secret):
    who = inside(lambda rooms: rooms.keys.authenticate(f"Bearer {secret}"))
    assert (who.account_id, who.mode, who.expires_at) == ("a", "live", None)
    assert who.scopes.texts() == ["connections:read", "connections:write", "keys:read", "keys:write", "proxy"]
    assert set(who.scopes.texts()) < set(EVERYTHING.texts())


def test_a_revoked_one_stays_so(inside):
    with pytest.raises(KeyInvalid):
        inside(lambda rooms: rooms.keys.authenticate(f"Bearer {REVOKED}"))


def test_all_of_them_are_listed_and_nothing_else_is_lost(inside):
    keys = inside(lambda rooms: rooms.keys.list("a"))
    assert [(key.id, key.name, key.prefix) for key in keys] == [
        (f"key_{number}", f"name {number}", None) for number in range(3)
    ]
    assert keys[0].last_used_at.microsecond == 10 and keys[2].revoked_at.microsecond == 7
    assert [connection.id for connection in inside(lambda rooms: rooms.connections.search("a"))] == ["c"]


def test_a_key_can_be_rotated_to_a_secret_of_the_new_form(inside):
    async def work(rooms):
        _, secret = await rooms.keys.rotate("a", "key_0", timedelta(minutes=1))
        return [
            await rooms.keys.authenticate(f"Bearer {each_secret}") for each_secret in (MADE_BEFORE, secret)
        ], secret

    (old, new), secret = inside(work)
    assert secret.startswith("mk_live_") and old.key_id == new.key_id == "key_0"
    assert old.expires_at is not None and new.expires_at is None


def test_an_account_that_is_deleted_takes_its_keys_along(inside, home):
    inside(lambda rooms: rooms.keys.list("a"))
    with closing(sqlite3.connect(home / "moorage.db")) as database, database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("DELETE FROM connections")
        database.execute("DELETE FROM accounts")
        assert database.execute("SELECT count(*) FROM api_key_secrets").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM api_keys").fetchone() == (0,)


def test_they_stay_open_whatever_new_keys_may_do(inside):
    async def policies(rooms):
        keys = [await rooms.policies.document("a", f"key_{number}", None) for number in range(3)]
        new, _ = await rooms.keys.create("a", "new")
        return keys, new

    keys, new = inside(policies)
    assert [key["policy"]["mode"] for key in keys] == ["open"] * 3
    assert keys[0]["defaults"]["live"] == "cautious" and new.policy is None
