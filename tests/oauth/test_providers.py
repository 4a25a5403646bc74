"""Apps as files: the shipped files, the operator's files, and the message for each mistake in a file."""

import re

import pytest

from moorage.control import first_segments
from moorage.errors import SettingsInvalid
from moorage.http.errors import AppUnknown
from moorage.oauth.apps.files import RESERVED, read_provider
from moorage.oauth.apps.providers import SHIPPED, Providers

SHIPPED_NAMES = {file.stem for file in SHIPPED.glob("*.toml")}
GOOD = """\
name = "example"
title = "Example"
authorization = "Bearer {access_token}"

[data_centres.eu]
api = "https://api.example.test/base"
accounts = "https://accounts.example.test"
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="example.toml"):
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def changed(key, line):
    """The good file with the line of a key replaced, or left out."""
    text, count = re.subn(rf"(?m)^{key} = .*\n", lambda _: f"{line}\n" if line else "", GOOD)
    assert count == 1
    return text


def test_zoho_crm_has_every_data_centre():
    zoho = read_provider(SHIPPED / "zoho-crm.toml")
    assert {key: centre.api for key, centre in zoho.data_centres.items()} == {
        "us": "https://www.zohoapis.com",
        "eu": "https://www.zohoapis.eu",
        "in": "https://www.zohoapis.in",
        "cn": "https://www.zohoapis.com.cn",
        "jp": "https://www.zohoapis.jp",
        "au": "https://www.zohoapis.com.au",
        "ca": "https://www.zohoapis.ca",
        "sa": "https://www.zohoapis.sa",
    }
    assert all(centre.accounts for centre in zoho.data_centres.values())
    assert (zoho.authorization, zoho.embedded) == ("Zoho-oauthtoken {access_token}", "crm")


def test_every_shipped_app_is_sound():
    assert Providers().names == SHIPPED_NAMES


def test_a_file_adds_an_app(write, tmp_path):
    write(GOOD)
    providers = Providers(tmp_path)
    assert providers.names == {*SHIPPED_NAMES, "example"}
    assert providers.header("example") == "Bearer {access_token}"
    assert providers.get("example").data_centres["eu"].api == "https://api.example.test/base"


def test_a_file_takes_the_place_of_a_shipped_app(write, tmp_path):
    write(GOOD.replace('"example"', '"zoho-crm"'), "zoho-crm.toml")
    assert Providers(tmp_path).get("zoho-crm").title == "Example"


def test_a_folder_that_is_not_there_adds_nothing(tmp_path):
    assert Providers(tmp_path / "nothing").names == SHIPPED_NAMES


def test_other_files_are_left_alone(write, tmp_path):
    write("# notes", "notes.txt")
    assert Providers(tmp_path).names == SHIPPED_NAMES


def test_an_unknown_app_is_told_which_there_are():
    with pytest.raises(AppUnknown) as raised:
        Providers().get("example")
    assert {"zoho-crm", "slack"} <= set(re.findall(r"[a-z-]+", raised.value.help))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (changed("name", ""), "name"),
        (changed("name", "name = 3"), "name"),
        (changed("title", ""), "title"),
        (changed("authorization", ""), "authorization"),
        (GOOD.partition("[data_centres")[0], "data_centres"),
        (GOOD.partition("[data_centres")[0] + "[data_centres]\n", "data_centres"),
        (changed("api", ""), "api"),
        ('hosts = ["a"]\n' + GOOD, "hosts"),
        (GOOD + 'token = "a"\n', "token"),
        ('method = "MAGIC"\n' + GOOD, "method"),
        ('embedded = "crn"\n' + GOOD, "embedded"),
        ('token_path = "oauth/token"\n' + GOOD, "token_path"),
        ('authorize_path = "/a b"\n' + GOOD, "authorize_path"),
        (GOOD + "[scopes]\nall = 1\n", "scopes"),
        *(
            (changed("authorization", f"authorization = {value}"), "authorization")
            for value in ('"Bearer"', '"{token}"', '"{access_token} {x}"', '"a\\n{access_token}"', '"é{access_token}"')
        ),
        *(
            (changed("name", f'name = "{name}"'), "name")
            for name in ("", "Example", "an app", "a/b", "-a", "a" * 64, "..", *sorted(RESERVED))
        ),
    ],
)  # fmt: skip
def test_a_fault_names_the_file_and_the_key(write, text, key):
    file = write(text)
    with pytest.raises(SettingsInvalid) as raised:
        read_provider(file)
    assert str(file) in raised.value.message
    assert re.search(rf"\b{key}\b", raised.value.message.removeprefix(f"{file}: "))


@pytest.mark.parametrize(
    "url",
    [
        "", "api.example.test", "/api", "ftp://a.test", "https://", "https:///a", "https://a b.test",
        "https://a.test/a b", "https://user@a.test", "https://user:secret@a.test", "https://a.test?x=1",
        "https://a.test/?", "https://a.test/#a", "https://a.test:port", "https://a.test:99999", "https://a.test:0",
        "https://[::1", "https://[::x]", "https://[1]", "https://a.test/é", "https://é.test",
        "https://a.test/\\r\\nX: y", "https://a.test/a/../b", "https://a_b.test\\\\x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["api", "accounts"])
def test_a_bad_url_names_the_file_and_the_key(write, key, url):
    file = write(changed(key, f'{key} = "{url}"'))
    with pytest.raises(SettingsInvalid) as raised:
        read_provider(file)
    assert raised.value.message.startswith(f"{file}: data_centres.eu.{key} has to be a base URL")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "https://[::1]:8443/a/", "https://a-b.test/v1/x.y"])
def test_a_good_url_is_taken(write, url):
    assert read_provider(write(changed("api", f'api = "{url}"'))).data_centres["eu"].api == url


@pytest.mark.parametrize("text", ["name = ", "nonsense", b"\xff\xfe", GOOD + GOOD])
def test_what_is_no_toml_names_the_file(write, text):
    file = write(text)
    with pytest.raises(SettingsInvalid) as raised:
        read_provider(file)
    assert str(file) in raised.value.message and raised.value.help


def test_a_name_that_is_not_the_files_is_a_fault(write):
    """So no two files of a folder can have the same."""
    with pytest.raises(SettingsInvalid) as raised:
        read_provider(write(GOOD, "other.toml"))
    assert "other.toml" in raised.value.message and "example.toml" in raised.value.message


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(SettingsInvalid) as raised:
        Providers(tmp_path)
    assert "folder.toml" in raised.value.message


def test_the_faults_of_all_files_are_told(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text("title = 7")
    with pytest.raises(SettingsInvalid) as raised:
        Providers(tmp_path)
    fault = "line 1: title has to be a text, not a whole number."
    assert raised.value.faults == tuple(f"{tmp_path / name}.toml: {fault}" for name in ("a", "b"))
    assert raised.value.help


def test_no_app_can_have_the_name_of_a_path_of_ours(control):
    router = control._app
    while not hasattr(router, "routes"):  # It stands behind what turns errors into answers.
        router = router._app
    own = set(first_segments(router.routes))
    assert {"connections", "keys", "healthz"} <= own <= RESERVED


@pytest.mark.parametrize(
    ("added", "fault"),
    [
        ("title = 7", "line 2: title has to be a text, not a whole number"),
        ('title = "A"\npkce = "no"', "line 3: pkce has to be true or false, not a text"),
        ('title = "A"\nmethod = "SAML"', "line 3: method can't be 'SAML'"),
        ('title = "A"\ndata_centres.us = 1', "line 3: data_centres.… has to be a table, not a whole number"),
        ('title = "A"\ndata_centres.us.title = "U"', "line 3: api is missing in data_centres.…"),
        ('title = "A"', "data_centres is missing"),
    ],
)
def test_a_wrong_value_is_told_in_words_with_its_line(tmp_path, added, fault):
    file = tmp_path / "mine.toml"
    file.write_text(f'name = "mine"\n{added}\nauthorization = "Bearer {{access_token}}"\n')
    with pytest.raises(SettingsInvalid) as caught:
        read_provider(file)
    assert f"{file}: {fault}" in caught.value.message and "`$" not in caught.value.message
