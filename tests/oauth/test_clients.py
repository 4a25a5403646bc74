"""The operator's OAuth clients: where they come from, which client is used, and that their secrets stay secret."""

import json
from contextlib import closing

import pytest

from moorage.errors import SettingsInvalid
from moorage.oauth.errors import OAuthClientUnknown
from moorage.oauth.model import Client
from tests.control import Control, kept_secrets
from tests.control_database import on_both as database_settings  # noqa: F401


@pytest.fixture
def clients(control):
    class Synchronous:
        def __getattr__(self, name):
            method = getattr(control.rooms.oauth_clients, name)
            return lambda *arguments: control.run(method(*arguments))

    return Synchronous()


def test_a_client_serves_every_data_centre_unless_that_has_its_own(clients):
    assert clients.find("zoho", "us") is None and clients.centres("zoho") == frozenset()
    clients.set("zoho", None, Client("all", "secret"))
    clients.set("zoho", "eu", Client("eu", "other"))
    assert clients.find("zoho", "us") == Client("all", "secret")
    assert clients.find("zoho", "eu") == Client("eu", "other")
    assert clients.find("github", "us") is None


def test_a_client_is_replaced_by_the_next_and_forgotten_for_good(control, clients):
    clients.set("zoho", None, Client("first", "secret"))
    clients.set("zoho", None, Client("second", "better"))
    assert clients.find("zoho", "us") == Client("second", "better")
    assert len(kept_secrets(control)) == 1
    clients.delete("zoho", None)
    assert clients.find("zoho", "us") is None and kept_secrets(control) == []
    with pytest.raises(OAuthClientUnknown, match="zoho"):
        clients.delete("zoho", None)


def test_secrets_are_neither_listed_nor_shown_nor_stored_in_the_clear(control, clients):
    clients.set("zoho", None, Client("id", "a-very-secret-one"))
    assert "a-very-secret-one" not in repr(clients.list()) + repr(clients.find("zoho", "us"))
    for file in control.settings.home.rglob("*"):
        assert not file.is_file() or b"a-very-secret-one" not in file.read_bytes()


def control_with(tmp_path, document):
    return Control(tmp_path / "home", {"MOORAGE_OAUTH_CLIENTS": json.dumps(document)})


def test_of_a_name_that_the_setting_has_only_what_stands_there_counts(tmp_path):
    document = {
        "zoho": {"client_id": "set", "client_secret": "s", "data_centres": {"eu": {"client_secret": "e"}}},
        "hubspot": {"client_id": "hub", "data_centres": {"eu": {"client_id": "own", "client_secret": "h"}}},
    }
    with closing(control_with(tmp_path, document)) as control:
        clients = control.rooms.oauth_clients
        control.run(clients.set("zoho", "in", Client("stored", "x")))
        control.run(clients.set("github", None, Client("git", "x")))
        assert control.run(clients.find("zoho", "in")) == Client("set", "s")
        assert control.run(clients.find("zoho", "eu")) == Client("set", "e")
        assert control.run(clients.find("hubspot", "eu")) == Client("own", "h")
        assert control.run(clients.find("hubspot", "us")) is None
        listed = [
            (client.name, client.data_centre, client.client_id, client.source)
            for client in control.run(clients.list())
        ]
        assert listed == [
            ("github", None, "git", "stored"),
            ("hubspot", "eu", "own", "setting"),
            ("zoho", None, "set", "setting"),
            ("zoho", "eu", "set", "setting"),
        ]


@pytest.mark.parametrize(
    "document",
    [
        {"zoho": 1},
        {"zoho": {"client_secret": "tell-nobody"}},
        {"zoho": {"client_id": "x", "secret": "tell-nobody"}},
    ],
)
def test_a_setting_that_is_wrong_is_told_without_its_secrets(tmp_path, document):
    with pytest.raises(SettingsInvalid, match="MOORAGE_OAUTH_CLIENTS") as caught:
        control_with(tmp_path, document)
    assert "tell-nobody" not in caught.value.message


def test_a_file_can_hold_them(tmp_path):
    file = tmp_path / "clients.json"
    file.write_text('{"zoho": {"client_id": "from-file", "client_secret": "s"}}')
    with closing(Control(tmp_path / "home", {"MOORAGE_OAUTH_CLIENTS_FILE": str(file)})) as control:
        assert control.run(control.rooms.oauth_clients.find("zoho", "us")).client_id == "from-file"
