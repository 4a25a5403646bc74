"""Which changed settings a running server uses."""

from pathlib import Path

import pytest

from moorage.settings import load
from moorage.settings.reloading import reloaded
from moorage.settings.table import SETTINGS


def changed(before, after, tmp_path):
    return reloaded(load(before, home=tmp_path), load(after, home=tmp_path))


def test_what_can_be_changed_is_and_the_rest_waits_as_it_was(tmp_path):
    before = {"MOORAGE_PORT": "1", "MOORAGE_LOG_LEVEL": "error", "MOORAGE_VAULT_KEY": "5a" * 32}
    after = {"MOORAGE_PORT": "2", "MOORAGE_RATE_LIMIT": "5", "MOORAGE_VAULT_KEY": "6b" * 32}
    new = changed(before, after, tmp_path)
    assert (set(new.applied), set(new.waiting)) == ({"log_level", "rate_limit"}, {"port", "vault_key"})
    assert (new.settings.port, new.settings.log_level, new.settings.rate_limit) == (1, "info", 5.0)
    assert new.settings.vault_key.reveal() == "5a" * 32
    # Commands are told what the server runs with.
    assert new.settings.explicit == {
        "MOORAGE_PORT": "1",
        "MOORAGE_RATE_LIMIT": "5",
        "MOORAGE_VAULT_KEY": None,
    }
    assert "log_level" not in new.settings.sources and "port" in new.settings.sources


def test_the_same_again_changes_nothing(tmp_path):
    same = {
        "MOORAGE_OAUTH_CLIENTS": '{"zoho": {"client_id": "1", "client_secret": "2"}}',
        "MOORAGE_PORT": "1",
    }
    new = changed(same, same, tmp_path)
    assert (new.applied, new.waiting, new.settings.port) == ((), (), 1)


def test_the_key_of_the_first_start_needs_no_restart(tmp_path):
    assert changed({}, {"MOORAGE_API_KEY": "0123456789abcdef"}, tmp_path).waiting == ()


@pytest.mark.parametrize(
    ("before", "after", "waits"), [("0", "9", True), ("9", "0", True), ("9", "8", False)]
)
def test_a_request_log_can_be_resized_but_not_begun_or_ended(tmp_path, before, after, waits):
    new = changed({"MOORAGE_REQUESTS_KEPT": before}, {"MOORAGE_REQUESTS_KEPT": after}, tmp_path)
    assert ("requests_kept" in new.waiting) is waits and ("requests_kept" in new.applied) is not waits


def test_the_page_says_of_each_setting_whether_a_reload_applies_it():
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    listed = page.partition("\nA reload applies")[2].partition("\n\n")[0]
    assert {setting.env for setting in SETTINGS if setting.live} == {
        setting.env for setting in SETTINGS if f"`{setting.env}`" in listed
    }
