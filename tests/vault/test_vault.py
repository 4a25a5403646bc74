import asyncio
import stat
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from moorage.clock import SystemClock
from moorage.settings.readers import Secret
from moorage.storage import Database
from moorage.storage.errors import DatabaseUnusable
from moorage.vault.errors import VaultLocked
from moorage.vault.keys import load_keys
from moorage.vault.service import Vault
from tests.control_database import (  # noqa: F401
    control_in_postgresql,
    control_url,
    shared_control_database,
)
from tests.storage.descriptors import none_left

KEY, OTHER = b"k" * 32, b"o" * 32


def ring_of(*keys):
    """The vault's keys as a setting gives them."""
    return load_keys(Secret(",".join(key.hex() for key in keys)), Path("/nowhere"))


@pytest.fixture
def url(control_url):  # noqa: F811
    return control_url


def change(url, sql, **values):
    """Run a statement on the database, and give its rows."""

    async def act(vault):
        async with vault._database.transaction() as tx:
            return (await tx.connection.execute(sa.text(sql), values)).all()

    return run(url, act)


@asynccontextmanager
async def opened(url, *keys):
    database = Database(url, SystemClock())
    try:
        yield Vault(database, ring_of(*keys))
    finally:
        await database.close()


def run(url, act, *keys):
    async def main():
        async with opened(url, *(keys or [KEY])) as vault:
            return await act(vault)

    return asyncio.run(main())


def put(url, owner="owner", value="a secret"):
    run(url, lambda vault: vault.put(owner, "access_token", value, 12.5))


def test_what_is_put_comes_back(url):
    put(url)
    kept = run(url, lambda vault: vault.get("owner", "access_token"))
    assert (kept.value, kept.expires_at) == ("a secret", 12.5)
    assert "a secret" not in repr(kept)


def test_the_newest_takes_the_place_of_the_one_before(url):
    put(url)
    put(url, value="a newer one")
    assert run(url, lambda vault: vault.get("owner", "access_token")).value == "a newer one"


def test_the_file_does_not_hold_the_secret(url, tmp_path):
    put(url)
    assert not any(b"a secret" in file.read_bytes() for file in tmp_path.iterdir())


def test_the_same_secret_is_never_sealed_the_same_way_twice(url):
    put(url, owner="one")
    put(url, owner="two")
    rows = change(url, "SELECT value FROM secrets")
    assert len({value[4:16] for (value,) in rows}) == 2


@pytest.mark.parametrize(("owner", "kind"), [("two", "access_token"), ("one", "refresh_token")])
def test_a_secret_moved_to_another_row_does_not_open(url, owner, kind):
    put(url, owner="one")
    run(url, lambda vault: vault.put(owner, kind, "another"))
    source = "SELECT value FROM secrets WHERE owner_id = 'one' AND kind = 'access_token'"
    change(url, f"UPDATE secrets SET value = ({source})")
    with pytest.raises(VaultLocked):
        run(url, lambda vault: vault.get(owner, kind))
    assert run(url, lambda vault: vault.get("one", "access_token")).value == "a secret"


def test_another_key_opens_nothing(url):
    put(url)
    with pytest.raises(VaultLocked):
        run(url, lambda vault: vault.get("owner", "access_token"), OTHER)
    with pytest.raises(VaultLocked):
        run(url, lambda vault: vault.check(), OTHER)


def test_another_key_seals_nothing_beside_what_is_there(url):
    put(url)
    for owner in ("owner", "another"):
        with pytest.raises(VaultLocked):
            run(url, lambda vault, owner=owner: vault.put(owner, "access_token", "new"), OTHER)
    assert run(url, lambda vault: vault.get("owner", "access_token")).value == "a secret"
    assert run(url, lambda vault: vault.get("another", "access_token")) is None


def test_one_secret_of_another_key_among_many_is_found(url):
    for number in range(3):
        put(url, owner=f"owner {number}")
    change(url, "UPDATE secrets SET value = :value WHERE owner_id = 'owner 1'", value=bytes(40))
    with pytest.raises(VaultLocked):
        run(url, lambda vault: vault.check())


def test_shredding_leaves_the_secrets_of_others(url):
    put(url, owner="one")
    put(url, owner="two")

    async def shred(vault):
        async with vault._database.transaction() as tx:
            await vault.shred_in(tx, "one")

    run(url, shred)
    assert run(url, lambda vault: vault.get("one", "access_token")) is None
    assert run(url, lambda vault: vault.get("two", "access_token")) is not None


def test_each_purpose_has_a_key_of_its_own(url):
    async def derive(vault):
        return vault.derive("one"), vault.derive("two"), vault.derive("one")

    first, two, again = run(url, derive)
    assert first == again and first != two and KEY not in {first, two} and len(first) == 32


def test_an_older_key_still_opens_and_no_longer_seals(url):
    put(url)
    assert run(url, lambda vault: vault.get("owner", "access_token"), OTHER, KEY).value == "a secret"
    run(url, lambda vault: vault.put("another", "access_token", "new"), OTHER, KEY)
    assert run(url, lambda vault: vault.get("another", "access_token"), KEY, OTHER).value == "new"
    with pytest.raises(VaultLocked):
        run(url, lambda vault: vault.get("another", "access_token"), KEY)


def test_what_was_derived_from_an_older_key_is_still_known(url):
    async def derive(vault):
        return vault.derive("one"), await vault.derived("one")

    before, _ = run(url, derive)
    now, known = run(url, derive, OTHER, KEY)
    assert known == [now, before]


def test_the_first_start_makes_a_key_that_only_its_owner_reads(tmp_path):
    ring = load_keys(None, tmp_path).ring()
    assert load_keys(None, tmp_path).ring() == ring and len(ring.current.secret) == 32
    assert stat.S_IMODE((tmp_path / "vault.key").stat().st_mode) == 0o600


def test_a_key_that_is_given_leaves_no_file(tmp_path):
    assert load_keys(Secret("00" * 32), tmp_path).ring().current.secret == bytes(32)
    assert list(tmp_path.iterdir()) == []


def test_a_key_does_not_show(tmp_path):
    ring = load_keys(Secret("ab" * 32), tmp_path).ring()
    assert repr(ring.current.secret) not in repr(ring) and "ab" * 32 not in repr(ring)


def test_a_key_is_not_wrong_because_no_descriptors_are_left(tmp_path):
    keys = load_keys(None, tmp_path)
    with none_left(), pytest.raises(DatabaseUnusable, match=r"vault.key can't be used: no file descriptors"):
        keys.ring()
    assert keys.ring().keys


def test_a_file_that_changes_is_read_again_and_one_that_goes_locks_the_vault(url, tmp_path):
    keys = load_keys(None, tmp_path)
    file = tmp_path / "vault.key"
    before = file.read_text()

    async def act():
        database = Database(url, SystemClock())
        vault = Vault(database, keys)
        await vault.put("owner", "access_token", "a secret")
        for content in (None, "zz", "", "ff" * 32):
            file.unlink()
            if content is not None:
                file.write_text(content)
            for attempt in (vault.check, lambda: vault.put("other", "access_token", "new")):
                with pytest.raises(VaultLocked):
                    await attempt()
            file.touch()
        file.write_text(before + "\n")
        await vault.check()
        kept = await vault.get("owner", "access_token")
        await database.close()
        return kept.value

    assert asyncio.run(act()) == "a secret"
