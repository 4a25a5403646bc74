import pickle
import re
from pathlib import Path

import pytest

from moorage.errors import SettingsInvalid
from moorage.settings import SETTINGS, load

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
UNUSABLE = {
    "MOORAGE_PORT": "many",
    "MOORAGE_CRM_PORT": "70000",
    "MOORAGE_PUBLIC_URL": "ftp://example.com",
    "MOORAGE_DATABASE_URL": "mysql://db",
    "MOORAGE_CRM_DATABASE_URL": "postgresql://db/crm",
    "MOORAGE_API_KEY": "too-short",
    "MOORAGE_VAULT_KEY": "not-a-key",
    "MOORAGE_RATE_LIMIT": "-1",
    "MOORAGE_UPSTREAM_TIMEOUT": "0",
    "MOORAGE_LOG_LEVEL": "loud",
}


def test_the_page_explains_every_setting_and_no_other():
    assert sorted(re.findall(r"^### (\w+)", PAGE, re.MULTILINE)) == sorted(s.env for s in SETTINGS)


def test_every_fault_is_reported_at_once():
    with pytest.raises(SettingsInvalid) as caught:
        load(UNUSABLE)
    assert [name for name in UNUSABLE if name not in caught.value.message] == []


def test_a_fault_in_a_secret_does_not_show_it():
    with pytest.raises(SettingsInvalid) as caught:
        load({"MOORAGE_API_KEY": "hush hush", "MOORAGE_VAULT_KEY": "hush-hush"})
    assert "hush" not in caught.value.message


def test_without_any_everything_is_local_and_below_the_home(tmp_path):
    settings = load({"MOORAGE_HOME": str(tmp_path)})
    assert settings.loopback and (settings.port, settings.crm_port) == (8787, 8788)
    assert settings.database_url == f"sqlite:///{tmp_path}/moorage.db"
    assert settings.crm_folder == tmp_path / "crm"


def test_an_override_wins_unless_it_is_none(tmp_path):
    settings = load({"MOORAGE_PORT": "1", "MOORAGE_CRM_PORT": "2"}, port=0, crm_port=None, home=tmp_path)
    assert (settings.port, settings.crm_port, settings.home) == (0, 2, tmp_path)


def test_a_secret_can_stand_in_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text("0123456789abcdef\n")
    assert load({"MOORAGE_API_KEY_FILE": str(file)}).api_key.reveal() == "0123456789abcdef"


def test_a_file_that_can_not_be_read_is_a_fault(tmp_path):
    with pytest.raises(SettingsInvalid, match="MOORAGE_VAULT_KEY"):
        load({"MOORAGE_VAULT_KEY_FILE": str(tmp_path / "missing")})


def test_secrets_do_not_show_and_reach_a_worker_process():
    settings = load({"MOORAGE_API_KEY": "0123456789abcdef"})
    assert "0123456789" not in repr(settings)
    assert pickle.loads(pickle.dumps(settings)).api_key.reveal() == "0123456789abcdef"


@pytest.mark.parametrize(
    ("environ", "rate"),
    [
        ({}, None),
        ({"MOORAGE_HOST": "0.0.0.0"}, 10.0),
        ({"MOORAGE_HOST": "0.0.0.0", "MOORAGE_RATE_LIMIT": "off"}, None),
        ({"MOORAGE_RATE_LIMIT": "25"}, 25.0),
    ],
)
def test_the_rate_is_limited_once_others_can_call(environ, rate):
    assert load(environ).rate_limit == rate
