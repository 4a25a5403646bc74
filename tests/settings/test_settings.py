import pickle
import re
from pathlib import Path

import pytest

from moorage.errors import SettingsInvalid
from moorage.settings import load
from moorage.settings.file import CONFIG
from moorage.settings.readers import decode_key
from moorage.settings.table import SETTINGS

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
UNUSABLE = {
    "MOORAGE_PORT": "many",
    "MOORAGE_CRM_PORT": "70000",
    "MOORAGE_PUBLIC_URL": "ftp://example.com",
    "MOORAGE_DATABASE_URL": "mysql://db",
    "MOORAGE_DATABASE_CONNECTIONS": "2",
    "MOORAGE_CRM_DATABASE_URL": "postgresql://db",
    "MOORAGE_CRM_CONNECTIONS": "101",
    "MOORAGE_CRM_SERVERS": "two=mysql://db",
    "MOORAGE_API_KEY": "too-short",
    "MOORAGE_VAULT_KEY": "not-a-key",
    "MOORAGE_RATE_LIMIT": "-1",
    "MOORAGE_UPSTREAM_TIMEOUT": "0",
    "MOORAGE_STOP_DELAY": "-1",
    "MOORAGE_LOG_LEVEL": "loud",
}


def test_the_page_explains_every_setting_and_no_other():
    names = [setting.env for setting in SETTINGS]
    assert sorted(re.findall(r"^### (\w+)", PAGE, re.MULTILINE)) == sorted([*names, CONFIG])


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


@pytest.mark.parametrize(
    "url", ["sqlite:///moorage.db", "sqlite:///", "sqlite:////", "sqlite:///~/m.db", "m.db"]
)
@pytest.mark.parametrize("name", ["MOORAGE_DATABASE_URL", "MOORAGE_CRM_DATABASE_URL"])
def test_a_database_has_one_place_wherever_a_command_is_called_from(name, url):
    with pytest.raises(SettingsInvalid, match=name):
        load({name: url})


def test_databases_may_lie_outside_the_data_folder(tmp_path):
    settings = load(
        {
            "MOORAGE_DATABASE_URL": f"sqlite:///{tmp_path}/a b.db",
            "MOORAGE_CRM_DATABASE_URL": f"sqlite:///{tmp_path}/organisations",
        }
    )
    assert settings.database_url == f"sqlite:///{tmp_path}/a b.db"
    assert settings.crm_folder == tmp_path / "organisations"


def test_the_data_folder_may_be_named_from_home_or_from_here(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert load({}).home == tmp_path / ".moorage"
    assert load({"MOORAGE_HOME": "~/data"}).home == tmp_path / "data"
    assert load({"MOORAGE_HOME": "data"}).home == tmp_path / "data"


def test_a_home_nobody_has_is_a_fault_like_any_other():
    with pytest.raises(SettingsInvalid, match="MOORAGE_HOME"):
        load({"MOORAGE_HOME": "~no-such-user/data"})


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://moorage.example.com", "https://moorage.example.com"),
        ("https://moorage.example.com/", "https://moorage.example.com"),
        ("http://[::1]:8787/base/", "http://[::1]:8787/base"),
        ("", None),
    ],
)
def test_a_public_url_is_read_without_its_last_slash(url, read):
    assert load({"MOORAGE_PUBLIC_URL": url}).public_url == read


@pytest.mark.parametrize(
    "url",
    [
        "moorage.example.com",
        "https://",
        "https://me@example.com",
        "https://example.com?x",
        "https://example.com/#x",
        "https://example.com:0",
        "https://example.com:99999",
        "https://exa mple.com",
        "https://example.com\\@evil.test",
    ],
)
def test_a_public_url_is_a_base_and_nothing_more(url):
    with pytest.raises(SettingsInvalid, match="MOORAGE_PUBLIC_URL"):
        load({"MOORAGE_PUBLIC_URL": url})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_only_this_machine_reaches_a_loopback_address(host):
    settings = load({"MOORAGE_HOST": host})
    assert settings.loopback and settings.rate_limit is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "moorage.example.com", "localhost.example"])
def test_any_other_address_is_reached_by_others(host):
    settings = load({"MOORAGE_HOST": host})
    assert not settings.loopback and settings.rate_limit == 10


@pytest.mark.parametrize("rate", ["0", "0.0", "ten", "-5", "1e3", "inf", "nan", "٣"])
def test_a_rate_is_a_number_above_0(rate):
    with pytest.raises(SettingsInvalid, match="MOORAGE_RATE_LIMIT"):
        load({"MOORAGE_RATE_LIMIT": rate})


@pytest.mark.parametrize("key", ["AA" * 32, "QUFB" * 10 + "QUE", "-_-_" * 10 + "-_8", "00" * 32])
def test_a_vault_key_is_32_bytes_in_base64_or_hexadecimal(key):
    assert len(decode_key(key)) == 32
    assert load({"MOORAGE_VAULT_KEY": key}).vault_key.reveal() == key


@pytest.mark.parametrize("key", ["AA" * 31, "AA" * 33, "QUFB" * 10, "zz" * 32, "QUFB" * 11, "é" * 32])
def test_anything_else_is_no_vault_key(key):
    with pytest.raises(SettingsInvalid) as caught:
        load({"MOORAGE_VAULT_KEY": key})
    assert "MOORAGE_VAULT_KEY" in caught.value.message and key not in caught.value.message


def test_the_file_of_a_secret_is_noted_by_the_path_that_was_read(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").write_text("5a" * 32)
    settings = load({"MOORAGE_VAULT_KEY_FILE": "~/key"})
    assert settings.vault_key.reveal() == "5a" * 32
    assert settings.explicit["MOORAGE_VAULT_KEY_FILE"] == str(tmp_path / "key")
    with pytest.raises(SettingsInvalid, match=r"there is no file .*/~nobody-of-that-name/key"):
        load({"MOORAGE_VAULT_KEY_FILE": "~nobody-of-that-name/key"})


SERVERS = [
    ("two=postgresql://u:p@two/crm", {"two": "postgresql://u:p@two/crm"}),
    (
        "two=postgresql://u@a:1,b:2/crm?x=1, three-3=postgres://c/d\n",
        {"two": "postgresql://u@a:1,b:2/crm?x=1", "three-3": "postgres://c/d"},
    ),
    ("a=postgresql://a/a\nb=postgresql://b/b", {"a": "postgresql://a/a", "b": "postgresql://b/b"}),
]


@pytest.mark.parametrize(("text", "servers"), SERVERS)
def test_servers_are_named_one_after_the_other(text, servers):
    settings = load({"MOORAGE_CRM_SERVERS": text, "MOORAGE_CRM_DATABASE_URL": "postgresql://main/crm"})
    assert settings.other_servers == servers


def test_servers_need_a_list_of_organisations_that_is_in_postgresql(tmp_path):
    with pytest.raises(SettingsInvalid, match="MOORAGE_CRM_DATABASE_URL"):
        load({"MOORAGE_HOME": str(tmp_path), "MOORAGE_CRM_SERVERS": "two=postgresql://two/crm"})


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://hush@two/crm",
        "Two=postgresql://hush@two/crm",
        "two=postgresql://hush@two",
        "main=postgresql://hush@two/crm",
        "two=postgresql://hush@a/a,two=postgresql://hush@b/b",
        "two=postgresql://hush@a/a,three",
        "two=postgresql://hush@a/a,three=sqlite:////hush",
    ],
)
def test_a_server_that_has_no_name_or_is_none_is_a_fault_that_shows_no_password(text):
    with pytest.raises(SettingsInvalid, match="MOORAGE_CRM_SERVERS") as caught:
        load({"MOORAGE_CRM_SERVERS": text})
    assert "hush" not in caught.value.message


POSTGRESQL = "postgresql://moorage:hu%2Fsh@db.example.com:5432,two.example.com/moorage?sslmode=verify-full"
BOTH = pytest.mark.parametrize("name", ["MOORAGE_DATABASE_URL", "MOORAGE_CRM_DATABASE_URL"])


@pytest.mark.parametrize(
    "url", [POSTGRESQL, "postgres://db/moorage", "postgresql:///moorage?host=/run/postgresql"]
)
def test_a_database_may_be_in_postgresql(tmp_path, url):
    settings = load({"MOORAGE_DATABASE_URL": url, "MOORAGE_CRM_DATABASE_URL": url}, home=tmp_path)
    assert (settings.database_url, settings.crm_database_url) == (url, url)
    assert settings.crm_folder == tmp_path / "crm"


@BOTH
@pytest.mark.parametrize(
    "url",
    [POSTGRESQL, "postgresql://db/moorage?user=moorage&password=hush", "postgres://moorage:hush@/moorage"],
)
def test_a_url_with_a_password_is_a_secret(name, url):
    settings = load({name: url})
    assert "hu" not in repr(settings)
    assert settings.explicit == {name: None}
    assert pickle.loads(pickle.dumps(settings)) == settings


@BOTH
def test_a_url_without_a_password_is_none(name):
    assert load({name: "postgresql://moorage@db/moorage"}).explicit == {
        name: "postgresql://moorage@db/moorage"
    }


@BOTH
def test_the_url_of_a_database_may_be_in_a_file(name, tmp_path):
    file = tmp_path / "url"
    file.write_text(f"{POSTGRESQL}\n")
    settings = load({f"{name}_FILE": str(file)})
    assert POSTGRESQL in (settings.database_url, settings.crm_database_url)
    assert settings.explicit == {f"{name}_FILE": str(file)}


@BOTH
@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("mysql://moorage:hush@db/moorage", "mysql:// is not supported; use a .*postgresql://moorage:…@"),
        ("postgresql+psycopg://moorage:hush@db/m", r"postgresql\+psycopg:// is not supported"),
        ("postgresql://moorage:hush@db", "such as postgresql://"),
        ("postgresql://moorage:hu#sh@db/moorage", "such as postgresql://"),
        ("moorage:hush@db/moorage", "such as sqlite:///"),
    ],
)
def test_the_url_of_another_database_is_refused_without_its_password(name, url, advice):
    with pytest.raises(SettingsInvalid, match=advice) as caught:
        load({name: url})
    assert "hu" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "fewest"), [("MOORAGE_DATABASE_CONNECTIONS", 3), ("MOORAGE_CRM_CONNECTIONS", 4)]
)
def test_connections_have_bounds(name, fewest):
    for number in (fewest, 100):
        settings = load({name: str(number)})
        assert number in {settings.database_connections, settings.crm_connections}
    for number in (fewest - 1, 101, "many"):
        with pytest.raises(
            SettingsInvalid, match=f"{name}: use a number of connections from {fewest} to 100"
        ):
            load({name: str(number)})
