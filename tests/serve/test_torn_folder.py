"""A data folder that lost a part of itself, or that others may write, is not taken as it is."""

import asyncio
import os

import pytest

from moorage.errors import SettingsInvalid
from moorage.first_start import first_start
from moorage.serve.data_folder import first_key_shown, locked, prepare, warn_if_open
from moorage.serve.errors import HomeUnusable
from moorage.settings import UNSHOWN, load
from moorage.storage.errors import DatabaseUnusable
from tests.log_lines import capture_logs


@pytest.fixture
def settings(tmp_path):
    before = os.umask(0o077)
    prepare(tmp_path / "home")
    yield load({}, home=tmp_path / "home")
    os.umask(before)


def started(settings):
    return asyncio.run(first_start(settings)).api_key


@pytest.fixture
def home(settings):
    """A folder that has been started once."""
    assert started(settings)
    first_key_shown(settings.home)
    return settings.home


@pytest.mark.parametrize("left", [b"", None])
def test_an_emptied_control_database_is_no_first_start(settings, home, left):
    for file in home.glob("moorage.db*"):
        file.unlink()
    if left is not None:
        (home / "moorage.db").write_bytes(left)
    with pytest.raises(DatabaseUnusable, match="still exists") as caught:
        started(settings)
    assert "Restore a copy" in caught.value.help and "vault.key" in caught.value.message
    assert (home / "moorage.db").exists() is (left is not None)  # Nothing was made in its place.


@pytest.mark.parametrize("content", [b"", b"abc", b"x" * 31, b"x" * 33, None])
def test_a_torn_key_of_the_crm_is_refused(settings, home, content):
    (home / "crm" / "secret.key").unlink()
    if content is not None:
        (home / "crm" / "secret.key").write_bytes(content)
    with pytest.raises(DatabaseUnusable, match=r"secret\.key") as caught:
        started(settings)
    assert "32 random bytes" in caught.value.help


def test_a_first_start_that_was_killed_before_it_made_an_organisation_is_made_good(settings, home):
    for file in (home / "crm").rglob("*"):
        if file.is_file():
            file.unlink()
    assert started(settings) is None
    assert len((home / "crm" / "secret.key").read_bytes()) == 32


def test_a_first_key_that_was_never_shown_is_followed_by_another(settings):
    first = started(settings)
    with capture_logs() as lines:
        second = started(settings)
    assert second and second != first
    assert [line["event"] for line in lines] == [
        "key.created",
        "start.first_key_not_shown",
        "person.entry_made",
    ]
    assert lines[1]["revoke"].startswith("moorage key revoke key_")
    assert lines[0]["key"] not in lines[1]["revoke"]
    first_key_shown(settings.home)
    assert started(settings) is None and not (settings.home / UNSHOWN).exists()


def test_a_lock_that_is_a_link_is_not_followed(settings, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (settings.home / "lock").symlink_to(precious)
    with pytest.raises(HomeUnusable, match="is a link"), locked(settings.home):
        pass
    assert precious.read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "mode"), [(".", 0o777), (".", 0o770), ("vault.key", 0o644), ("vault.key", 0o660)]
)
def test_what_others_may_write_or_read_is_warned_of(settings, home, name, mode):
    (home / name).chmod(mode)
    with capture_logs() as lines:
        warn_if_open(settings)
    assert [(line["event"], line["mode"]) for line in lines] == [("home.open", f"{mode:04o}")]
    (home / name).chmod(0o700)
    with capture_logs() as lines:
        warn_if_open(settings)
    assert lines == []


@pytest.mark.parametrize("weak", ["a" * 16, "abcabcabcabcabcabcabc", "1234567" * 3])
def test_a_key_of_the_operators_that_can_be_guessed_is_refused(tmp_path, weak):
    with pytest.raises(SettingsInvalid, match="different characters"):
        load({"MOORAGE_API_KEY": weak}, home=tmp_path)
