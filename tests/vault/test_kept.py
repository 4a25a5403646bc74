"""Secrets of the embedded CRM that all processes on one control database share."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from moorage.settings.readers import Secret
from moorage.storage import SecretMissing
from moorage.storage.migrate import migrate
from moorage.vault.errors import VaultLocked
from moorage.vault.kept import SealedSecrets
from moorage.vault.keys import load_keys


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    url = (
        f"sqlite:///{tmp_path / 'control.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("database_url")
    )
    migrate(url)
    return url


@pytest.fixture
def keeper(url, tmp_path):
    def keeper(key="ab" * 32, folder="crm"):
        return SealedSecrets(url, load_keys(Secret(key), tmp_path), tmp_path / folder)

    return keeper


def never():
    raise AssertionError("made again")


def test_all_get_the_secret_of_the_first(keeper):
    with ThreadPoolExecutor(4) as threads:
        kept = set(threads.map(lambda _: keeper().kept("secret", lambda: os.urandom(32)), range(4)))
    assert len(kept) == 1
    assert {keeper().kept("secret", never, is_lost=never)} == kept
    assert keeper().kept("openid", lambda: b"other") == b"other"


def test_a_file_that_was_used_before_is_taken_over_and_stays(keeper, tmp_path):
    (tmp_path / "crm").mkdir()
    (tmp_path / "crm" / "secret.key").write_bytes(b"of the folder")
    assert keeper().kept("secret", never, is_lost=lambda: True) == b"of the folder"
    assert keeper(folder="elsewhere").kept("secret", never) == b"of the folder"
    assert (tmp_path / "crm" / "secret.key").read_bytes() == b"of the folder"


def test_a_secret_that_is_needed_and_missing_is_not_made(keeper):
    with pytest.raises(SecretMissing, match="'secret' of the embedded CRM in the vault is missing"):
        keeper().kept("secret", never, is_lost=lambda: True)


def test_it_is_sealed_with_the_keys_of_the_vault(keeper):
    keeper().kept("secret", lambda: b"sealed")
    with pytest.raises(VaultLocked):
        keeper("cd" * 32).kept("secret", never)
    with pytest.raises(VaultLocked):
        keeper("cd" * 32).kept("openid", lambda: b"sealed with another key")
