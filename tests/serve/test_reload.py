"""A running server uses other settings and other files of apps."""

import asyncio
from types import SimpleNamespace

import pytest

from moorage.app import App
from moorage.errors import SettingsInvalid
from moorage.oauth.apps.providers import Providers
from moorage.rooms import Urls
from moorage.serve.data_folder import Running, prepare
from moorage.serve.reloads import Reloads
from moorage.settings import load
from tests.control import migrated
from tests.log_lines import capture_logs

APP = """\
name = "mine"
title = "Mine"
method = "API_KEY"
authorization = "Bearer {access_token}"
websocket = false

[data_centres.global]
api = "https://api.example.com"

[operations]
"POST /search" = "read"
"""


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    prepare(folder)
    (folder / "providers").mkdir()
    return folder


def write_app(home, text=APP):
    (home / "providers" / "mine.toml").write_text(text)


def test_each_room_uses_what_was_changed_and_an_app_comes_and_goes(home):
    migrated(home / "moorage.db")
    environ = {
        "MOORAGE_RATE_LIMIT": "2",
        "MOORAGE_RETURN_URLS": "https://a.example",
        "MOORAGE_UPSTREAM_TIMEOUT": "7",
        "MOORAGE_LIVE_POLICY": "readonly",
        "MOORAGE_APPROVAL_TIME": "60",
        "MOORAGE_APPROVAL_BODY": "2048",
        "MOORAGE_OAUTH_CLIENTS": '{"zoho": {"client_id": "1", "client_secret": "2"}}',
        "MOORAGE_CRM_RECEIVERS": "10.0.0.0/8",
        "MOORAGE_REQUEST_BODY_SIZE": "9",
    }

    async def scene():
        bodies = {"MOORAGE_REQUEST_BODIES": "on"}
        app = App(load(bodies, home=home), Urls("http://gateway.test", "http://crm.test"))
        write_app(home)
        await app.use(load(environ | bodies, home=home), Providers(home / "providers"), None)
        rooms, gateway = app._rooms, app._gateway
        assert rooms.providers.get("mine").title == "Mine" and b"mine" in gateway.rules
        assert rooms.classifier.classify("mine", "POST", b"/search", b"", b"{}").kind == "read"
        assert [rooms.limiter.take("a") is None for _ in range(5)] == [True] * 4 + [False]
        assert rooms.return_urls.allows("https://a.example/x")
        assert (gateway.pool.limits.answer, gateway.tunnels.limits.answer) == (7.0, 7.0)
        assert (rooms.approvals.limits.wait, rooms.own_calls.max_answer) == (60, 2048)
        assert await rooms.oauth_clients.centres("zoho") == {""}
        assert rooms.crm._sender._addresses.refuses("127.0.0.1")
        assert rooms.policies._defaults["live"].mode == "readonly"
        assert rooms.request_notes.bodies.most == 9 and app.settings.rate_limit == 2.0
        (home / "providers" / "mine.toml").unlink()
        await app.use(load({}, home=home), Providers(home / "providers"), None)
        assert b"mine" not in gateway.rules and not rooms.return_urls.allows("https://a.example/x")
        assert gateway.rules_of(b"mine").websocket is False  # For a call that is on its way.
        assert rooms.limiter.take("a") is None
        await app.close()

    asyncio.run(scene())


def reloads(home, text):
    settings = load({"MOORAGE_LOG_LEVEL": "info"}, home=home)
    read = SimpleNamespace(settings=settings)

    def again():
        if isinstance(read.settings, Exception):
            raise read.settings
        return read.settings

    return Reloads(settings, Providers(home / "providers"), again, Running(1, "http://g", "http://c")), read


def test_a_fault_anywhere_changes_nothing_and_all_faults_are_told(home):
    there, read = reloads(home, "")
    read.settings = SettingsInvalid("One is wrong.", "Another is wrong.")
    write_app(home, APP.replace("websocket =", "websockett ="))
    with capture_logs() as lines:
        assert there.look() is None
    [line] = lines
    assert (line["event"], line["log_level"]) == ("settings.refused", "error")
    assert line["faults"][:2] == ["One is wrong.", "Another is wrong."] and "websockett" in line["faults"][2]
    assert there.note.reloaded["faults"] == tuple(line["faults"]) and there.note.reloaded["number"] == 1
    read.settings = there.settings
    assert there.look() is None  # Also if only the file of an app is wrong.
    assert there.note.reloaded["number"] == 2
    assert "mine" not in there.providers.names


def test_what_was_done_and_what_waits_is_told(home):
    there, read = reloads(home, "")
    read.settings = load({"MOORAGE_PORT": "1", "MOORAGE_LIVE_POLICY": "open"}, home=home)
    write_app(home)
    reload = there.look()
    with capture_logs() as lines:
        there.done(reload)
    facts = {"applied": ["live_policy"], "apps": ["mine"], "needs_restart": ["port"]}
    assert facts.items() <= lines[0].items() and lines[0]["event"] == "settings.reloaded"
    assert there.note.settings == {"MOORAGE_LIVE_POLICY": "open"} and there.settings.port == 8787
    assert there.look().apps == ()
