"""The settings file, `moorage.toml`."""

import contextlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from moorage.errors import SettingsInvalid
from moorage.settings import load_with_file
from moorage.settings.file import FileUnusable, read_file
from moorage.settings.table import SETTINGS

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
WHOLE = """\
port = 9000
host = "0.0.0.0"
rate_limit = 2.5
request_bodies = true
return_urls = ["https://a.example/done", "http://127.0.0.1:3000"]
crm_database_url = "postgresql://moorage@db.example/moorage"
vault_key_file = "keys/vault"

[oauth_clients.zoho]
client_id = "1000.A"
client_secret = "hush"

[oauth_clients.zoho.data_centres.eu]
client_secret = "hush-eu"

[crm_servers]
two = "postgresql://moorage@two.example/moorage"
"""


@pytest.fixture
def written(tmp_path):
    """Write `moorage.toml` in a data folder, and read all settings."""

    def written(text, environ=None, **options):
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        (home / "moorage.toml").write_text(text)
        return load_with_file({"MOORAGE_HOME": str(home)} | (environ or {}), **options)

    return written


def faults(call, *arguments, **options):
    with pytest.raises(SettingsInvalid) as caught:
        call(*arguments, **options)
    return list(caught.value.faults)


def test_every_setting_may_be_in_it_in_the_spelling_of_toml(written, tmp_path):
    (tmp_path / "home" / "keys").mkdir(parents=True)
    (tmp_path / "home" / "keys" / "vault").write_text("5a" * 32)
    settings = written(WHOLE)
    assert (settings.port, settings.host, settings.rate_limit) == (9000, "0.0.0.0", 2.5)
    assert settings.request_bodies and settings.return_urls[1] == "http://127.0.0.1:3000"
    assert settings.vault_key.reveal() == "5a" * 32
    assert settings.other_servers == {"two": "postgresql://moorage@two.example/moorage"}
    assert json.loads(settings.oauth_clients.reveal())["zoho"]["data_centres"] == {
        "eu": {"client_secret": "hush-eu"}
    }


def test_the_example_of_the_page_is_one(written):
    [example] = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    [fault] = faults(written, example)
    assert "there is no file /run/credentials/vault.key" in fault  # All else is as the page says.


def test_the_environment_counts_more_and_an_option_most(written):
    text = "port = 1\ncrm_port = 2\nlog_level = 'error'"
    settings = written(text, {"MOORAGE_CRM_PORT": "3", "MOORAGE_PORT": "4"}, port=5)
    assert (settings.port, settings.crm_port, settings.log_level) == (5, 3, "error")
    file = settings.home / "moorage.toml"
    assert settings.sources["port"] == "option --port"
    assert settings.sources["crm_port"] == "environment MOORAGE_CRM_PORT"
    assert settings.sources["log_level"] == f"{file}:3"
    assert "rate_limit" not in settings.sources and settings.file == file


def test_a_secret_in_the_environment_wins_in_either_of_its_forms(written, tmp_path):
    (tmp_path / "key").write_text("6b" * 32)
    settings = written(f"vault_key = '{'5a' * 32}'", {"MOORAGE_VAULT_KEY_FILE": str(tmp_path / "key")})
    assert settings.vault_key.reveal() == "6b" * 32


def test_what_commands_are_told_has_no_secret_of_the_file(written):
    settings = written(f"port = 9000\nvault_key = '{'5a' * 32}'\n")
    assert settings.explicit == {"MOORAGE_PORT": "9000"} and settings.file_has_secret
    assert "5a5a" not in repr(settings)


def test_all_faults_are_told_at_once_with_their_lines_and_what_was_meant(written):
    told = faults(
        written,
        "prot = 1\nport = 'abc'\n\nMOORAGE_HOST = 'x'\npublic_ulr = ''\nrate_limit = [1]\noauth_clients = 7\n",
        {"MOORAGE_CRM_PORT": "many"},
    )
    text = "\n".join(told)
    for fault in (
        ":1: prot is not a setting. Did you mean port?",
        ":2: port: use a number from 0 to 65535",
        ":4: MOORAGE_HOST is not a setting. Did you mean host?",
        ":5: public_ulr is not a setting. Did you mean public_url?",
        ":6: rate_limit: use a text, a number, true or false.",
        ":7: oauth_clients: use a JSON object",
        "MOORAGE_CRM_PORT: use a number from 0 to 65535",
    ):
        assert fault in text
    assert len(told) == 7


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("port = \n", ":1: this is not valid TOML: Invalid value"),
        ("port = 1\nport = 2\n", ":2: this is not valid TOML: Cannot overwrite"),
        ("home = '/x'\n", ":1: home: this file is in the data folder"),
        ("port_file = 'x'\n", ":1: port_file is not a setting. Did you mean port?"),
        ("vault_key_file = 'nope'\n", "nope."),
        ("vault_key_file = 7\n", "use the path of a file."),
        (f"vault_key = '{'5a' * 32}'\nvault_key_file = 'x'\n", "vault_key_file are both set; keep one of them."),
        ("[crm_servers]\ntwo = 2\n", ":1: crm_servers: use name = URL"),
        ("[oauth_clients]\nzoho = 1\n", ":1: oauth_clients: zoho has to be an object with client_id"),
        ("[oauth_clients.zoho]\nclient_secert = 'hush'\n", "client_secert. Did you mean client_secret?"),
        ("port = 9000\ncrm_port = 9000\n", ":2: crm_port are both 9000"),
        ('"a\\u001bb" = 1\n', "'a\\x1bb' is not a setting."),
    ],
)  # fmt: skip
def test_a_fault_says_what_would_be_right_and_shows_no_secret(written, text, fault):
    told = " ".join(faults(written, text))
    assert fault in told and "hush" not in told and "5a5a" not in told


def test_a_file_that_somebody_names_has_to_be_there_and_may_name_the_data_folder(tmp_path):
    (tmp_path / "other.toml").write_text("home = 'data'\nport = 7\n")
    settings = load_with_file({}, config=tmp_path / "other.toml")
    assert (settings.home, settings.port) == (tmp_path / "data", 7)
    named = load_with_file({"MOORAGE_CONFIG": str(tmp_path / "other.toml"), "MOORAGE_HOME": "/elsewhere"})
    assert (str(named.home), named.port) == ("/elsewhere", 7)
    [fault] = faults(load_with_file, {"MOORAGE_CONFIG": str(tmp_path / "nope.toml"), "MOORAGE_HOME": "/x"})
    assert fault == f"MOORAGE_CONFIG: there is no file {tmp_path / 'nope.toml'}."
    [fault] = faults(load_with_file, {}, config=tmp_path)
    assert "can't be read: Is a directory." in fault


def test_the_last_server_counts_only_for_what_is_set_nowhere_now(written):
    below = {
        "MOORAGE_PORT": "1",
        "MOORAGE_CRM_PORT": "2",
        "MOORAGE_HOST": "::1",
        "MOORAGE_VAULT_KEY_FILE": "/nope",
    }
    settings = written(f"port = 9\nvault_key = '{'5a' * 32}'", {"MOORAGE_HOST": "127.0.0.1"}, below=below)
    assert (settings.port, settings.crm_port, settings.host) == (9, 2, "127.0.0.1")
    assert settings.sources["crm_port"] == "the last server"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(key=st.sampled_from([s.name for s in SETTINGS]) | st.text(max_size=12), value=VALUES)
@how(max_examples=20, deadline=None)
def test_whatever_it_has_is_a_setting_or_a_fault(tmp_path_factory, key, value):
    home = tmp_path_factory.mktemp("home")
    # JSON's text, number, array and object in one line are TOML's too, but for the signs between key and value.
    line = f"{json.dumps(key)} = {toml(value)}\n"
    (home / "moorage.toml").write_bytes(line.encode("utf-8", "surrogatepass"))
    with contextlib.suppress(SettingsInvalid):
        load_with_file({"MOORAGE_HOME": str(home)})


def toml(value):
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case float():
            return repr(value)
        case _:
            return json.dumps(value)


@pytest.mark.parametrize(
    "data",
    [b"\xff", b"a = " + b"[" * 5000, b"x = 1" + b"0" * 5000, b"#" * 1_100_000],
    ids=["bytes", "deep", "digits", "long"],
)
def test_a_file_that_is_no_settings_file_is_told_in_words(tmp_path, data):
    (tmp_path / "moorage.toml").write_bytes(data)
    with pytest.raises(FileUnusable):
        read_file(tmp_path / "moorage.toml")
