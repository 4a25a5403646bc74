import asyncio
import stat

import pytest
import sqlalchemy as sa

from moorage.clock import FrozenClock
from moorage.settings.readers import Secret
from moorage.storage import Database
from moorage.vault import rotation
from moorage.vault.errors import VaultBusy, VaultKeyGiven, VaultKeyRefused, VaultLocked
from moorage.vault.keys import load_keys
from moorage.vault.rotation import Rotation
from moorage.vault.service import Vault
from tests.control import NOW, migrated
from tests.control_database import (  # noqa: F401
    ENGINES,
    control_in_postgresql,
    shared_control_database,
)

PURPOSES = {"signing": 1800.0}


class World:
    """A vault with some secrets, as one process sees it. Another process on the same folder is another world."""

    def __init__(self, home, vault_key=None, url=None):
        self.home = home
        self.url = url or f"sqlite:///{home}/moorage.db"
        if url is None:
            migrated(home / "moorage.db")
        self.clock = FrozenClock(NOW)
        self.keys = load_keys(vault_key and Secret(vault_key), home)
        self._runner = asyncio.Runner()
        self.database = self.run(self._open())
        self.vault = Vault(self.database, self.keys)
        self.rotation = Rotation(self.database, self.keys, PURPOSES)

    async def _open(self):
        return Database(self.url, self.clock)

    def run(self, work):
        return self._runner.run(work)

    def close(self):
        self.run(self.database.close())
        self._runner.close()

    def fill(self, count=3):
        for number in range(count):
            self.run(self.vault.put(f"owner {number}", "access_token", f"secret {number}", 12.5))

    def secrets(self):
        owners = self.run(self._owners())
        return {owner: self.run(self.vault.get(owner, "access_token")).value for (owner,) in owners}

    async def _owners(self):
        async with self.database.reading() as tx:
            sql = "SELECT owner_id FROM secrets WHERE owner_id LIKE 'owner %'"
            return (await tx.connection.execute(sa.text(sql))).all()

    def rotate(self, new=None, **options):
        return self.run(self.rotation.rotate(new, **options))

    def roles(self):
        return [(key.role, key.secrets) for key in self.run(self.rotation.status())]


@pytest.fixture(params=ENGINES)
def world(request, tmp_path):
    """Makes worlds on one folder."""
    worlds = []
    url = request.getfixturevalue("control_in_postgresql") if request.param == "postgresql" else None

    def make(vault_key=None):
        worlds.append(World(tmp_path, vault_key, url))
        return worlds[-1]

    yield make
    for each in worlds:
        each.close()


EXPECTED = {f"owner {number}": f"secret {number}" for number in range(3)}


def test_a_rotation_seals_everything_anew_and_retires_the_old_key(world):
    first = world()
    first.fill()
    before = first.keys.ring().current
    done = first.rotate()
    now = first.keys.ring()
    assert now.ids == [bytes.fromhex(done.current)] and before.id not in now.ids
    assert (done.retired, done.sealed_anew, done.resumed) == ((before.id.hex(),), 3, False)
    assert first.secrets() == EXPECTED
    assert first.run(first.vault.get("owner 0", "access_token")).expires_at == 12.5
    file = first.home / "vault.key"
    assert file.read_text() == now.current.secret.hex() + "\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert before.secret.hex() not in "".join(path.read_text("latin-1") for path in first.home.iterdir())


def test_another_process_notices_at_once(world):
    first, other = world(), world()
    first.fill()
    assert other.secrets() == EXPECTED
    first.rotate()
    assert other.secrets() == EXPECTED
    other.run(other.vault.put("owner 0", "access_token", "newer"))
    assert first.secrets() == EXPECTED | {"owner 0": "newer"}
    assert first.roles() == [("current", 4)]  # One of them is what the old key derived.


def test_a_key_can_be_brought_along(world):
    first = world()
    first.fill()
    first.rotate(b"n" * 32)
    assert first.keys.ring().current.secret == b"n" * 32 and first.secrets() == EXPECTED
    with pytest.raises(VaultKeyRefused, match="already"):
        first.rotate(b"n" * 32)
    assert first.keys.ring().current.secret == b"n" * 32


def test_a_dry_run_tells_and_changes_nothing(world):
    first = world()
    first.fill()
    before = first.keys.ring()
    told = first.rotate(dry_run=True)
    assert (told.current, told.retired, told.sealed_anew) == (None, (before.current.id.hex(),), 3)
    assert first.keys.ring() == before and first.roles() == [("current", 3)]


@pytest.mark.parametrize("after", range(5))
def test_a_rotation_that_was_interrupted_is_brought_to_its_end(world, monkeypatch, after):
    here = world()
    here.fill()
    monkeypatch.setattr(rotation, "BATCH", 1)
    transactions = iter(range(after))
    real = here.database.transaction

    def interrupted():
        if here.keys.ring().current.id != first and next(transactions, None) is None:
            raise KeyboardInterrupt
        return real()

    first = here.keys.ring().current.id
    monkeypatch.setattr(here.database, "transaction", interrupted)
    with pytest.raises(KeyboardInterrupt):
        here.rotate()
    monkeypatch.setattr(here.database, "transaction", real)
    assert len(here.keys.ring().keys) == 2 and here.secrets() == EXPECTED
    current = here.keys.ring().current.id.hex()
    with pytest.raises(VaultKeyRefused, match=current):
        here.rotate(b"n" * 32)
    done = here.rotate()
    assert done.resumed and (done.current, done.retired) == (current, (first.hex(),))
    assert done.sealed_anew == 3 - min(after, 3)
    assert here.keys.ring().ids == [bytes.fromhex(current)] and here.secrets() == EXPECTED


def test_a_transaction_takes_no_further_value_after_so_many_bytes(world, monkeypatch):
    here = world()
    here.fill()
    monkeypatch.setattr(rotation, "BATCH_BYTES", 1)
    taken = []
    real = rotation.store.names_of_other_keys

    async def noting(*args, **options):
        taken.append(await real(*args, **options))
        return taken[-1]

    monkeypatch.setattr(rotation.store, "names_of_other_keys", noting)
    assert here.rotate().sealed_anew == 3 and here.secrets() == EXPECTED
    assert [len(names) for names in taken] == [3, 2, 1, 0]


def test_an_old_key_is_not_retired_while_something_is_sealed_with_it(world, monkeypatch):
    first, other = world(), world()
    first.fill()
    old = other.keys.ring()
    real = first.rotation._remember_derived

    async def meanwhile(tx, ring):
        await real(tx, ring)
        slow = old.seal("owner 0", "access_token", "by somebody slow")
        sql = sa.text("UPDATE secrets SET value = :value WHERE owner_id = 'owner 0'")
        await tx.connection.execute(sql, {"value": slow})

    monkeypatch.setattr(first.rotation, "_remember_derived", meanwhile)
    with pytest.raises(VaultLocked):
        first.rotate()
    monkeypatch.setattr(first.rotation, "_remember_derived", real)
    assert first.secrets() == EXPECTED | {"owner 0": "by somebody slow"}
    assert first.rotate().resumed and first.secrets() == EXPECTED | {"owner 0": "by somebody slow"}


def test_two_who_rotate_at_once_do_not_meet(world):
    first, other = world(), world()
    first.fill()
    with first.keys.rotating(), pytest.raises(VaultBusy):
        other.rotate()
    other.rotate()
    assert first.secrets() == EXPECTED


def test_with_a_wrong_key_nothing_is_rotated(world):
    first = world()
    first.fill()
    (first.home / "vault.key").write_text("ab" * 32)
    with pytest.raises(VaultLocked):
        first.rotate()
    assert (first.home / "vault.key").read_text() == "ab" * 32
    assert first.roles() == [("current", 0), ("unknown", 3)]


def test_a_key_from_the_settings_is_followed_and_not_changed(world):
    first = world("11" * 32)
    first.fill()
    with pytest.raises(VaultKeyGiven):
        first.rotate()
    two = world(f"{'22' * 32},{'11' * 32}")
    assert two.roles() == [("current", 0), ("old", 3)]
    done = two.rotate()
    assert (done.sealed_anew, len(done.retired)) == (3, 1)
    assert world("22" * 32).secrets() == EXPECTED
    assert not (first.home / "vault.key").exists()


def test_what_was_derived_before_is_known_for_as_long_as_it_may_be_needed(world):
    first, other = world(), world()
    before = first.vault.derive("signing")
    first.rotate()
    assert first.vault.derive("signing") != before
    for vault in (first.vault, other.vault):
        assert first.run(vault.derived("signing")) == [first.vault.derive("signing"), before]
        assert first.run(vault.derived("another")) == [first.vault.derive("another")]
    first.clock.advance(PURPOSES["signing"])
    assert first.run(first.vault.derived("signing")) == [first.vault.derive("signing")]
    first.rotate()
    assert first.roles() == [("current", 1)]  # What has ended is not carried along.


def test_those_who_read_and_write_meanwhile_never_fail(world, monkeypatch):
    first, other = world(), world()
    first.fill()
    monkeypatch.setattr(rotation, "BATCH", 1)
    ended = asyncio.Event()

    async def use(number):
        count = 0
        while not ended.is_set():
            await first.vault.put(f"owner {number}", "access_token", f"secret {number}", 12.5)
            assert (await first.vault.get(f"owner {number}", "access_token")).value == f"secret {number}"
            count += 1
        return count

    async def rotate():
        for _ in range(5):
            await first.rotation.rotate()
        ended.set()

    async def main():
        return await asyncio.gather(rotate(), *(use(number) for number in range(3)))

    assert all(first.run(main())[1:])
    assert other.secrets() == EXPECTED and first.roles() == [("current", 8)]
