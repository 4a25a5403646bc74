"""A whole server, started as a user starts it, in a process of its own."""

import asyncio
import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from moorage import settings
from moorage.connections.model import Upstream
from moorage.oauth.tokens.service import AccessToken
from moorage.rooms import Urls, open_rooms
from tests import forked
from tests.flows.storages import STORAGE, STORAGES, new_storage
from tests.flows.surfaces import Surface
from tests.gateway.wire import OK, Scripted
from tests.zoho_description.run import in_servers

MOORAGE = [sys.executable, "-m", "moorage"]


@dataclass
class Server:
    """A running `moorage up`; `credentials` are those of the demo organisation. `storage` are the settings of it."""

    process: subprocess.Popen
    home: Path
    gateway: str
    crm: str
    api_key: str | None
    storage: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.home, MOORAGE_API_KEY=self.api_key or "", **self.storage)

    def run(
        self, *arguments: str, check: bool = True, typed: str | None = None
    ) -> subprocess.CompletedProcess:
        """A command on this server's data folder; `typed` is what it reads from its standard input."""
        return forked.run(
            [*MOORAGE, *arguments],
            env=self.environment,
            typed=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            check=check,
        )

    @property
    def credentials(self) -> dict[str, str]:
        return json.loads(self.run("crm", "credentials", "--json").stdout)

    def call(self, method, path, body=None, headers=None, base=None):
        """Status, headers and body of a request to the gateway with the first key."""
        request = urllib.request.Request(
            (base or self.gateway) + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.api_key}", **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, _lower(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _lower(error.headers), error.read()

    def get(self, path, **headers):
        status, _, body = self.call("GET", path, headers=headers)
        return status, json.loads(body) if body else None

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def _lower(headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MOORAGE_")}
    # Flows are about what passes; what a policy asks has its own.
    passing = {"MOORAGE_LIVE_POLICY": "open"}
    return kept | {"MOORAGE_HOME": str(home)} | passing | in_servers() | more


def start(
    home: Path,
    *arguments: str,
    program: Sequence[str] = MOORAGE,
    api_key: str | None = None,
    popen=forked.popen,
    **settings: str,
) -> Server:
    # Nobody reads the log meanwhile, and a pipe would be full some day.
    with tempfile.NamedTemporaryFile() as log:
        process = popen(
            [*program, "up", "--json", "--port", "0", "--crm-port", "0", *arguments],
            env=environment(home, **settings),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        process.stderr = Path(log.name).open()  # noqa: SIM115 (it is the process's)
    line = process.stdout.readline()
    if not line:
        raise AssertionError(process.communicate(timeout=20)[1])
    ready = json.loads(line)
    assert ready["event"] == "ready"
    storage = {name: value for name, value in settings.items() if name in STORAGE}
    return Server(process, home, ready["gateway"], ready["crm"], ready["api_key"] or api_key, storage)


@contextlib.contextmanager
def connecting(server: Server):
    """`connection create` as a person runs it, and the address that it shows; it waits."""
    process = forked.popen(
        [*MOORAGE, "connection", "create", "zoho-crm", "--no-browser", "--timeout", "120", "--json"],
        env=server.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        shown = iter(process.stderr.readline, "")
        url = next((line.strip() for line in shown if line.startswith("http")), None)
        assert url is not None, process.communicate(timeout=20)
        yield process, url
    finally:
        process.kill()
        process.communicate()


def finish(server: Server) -> None:
    server.process.kill()
    server.process.communicate()


@pytest.fixture(scope="session")
def storage(request) -> str:
    """Files, unless a test asks for both storages."""
    return getattr(request, "param", STORAGES[0])


@pytest.fixture
def own_storage(request, storage):
    """The settings that lead to a test's own storage, which is empty at first."""
    with new_storage(request, storage) as settings:
        yield settings


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory):
    server = start(tmp_path_factory.mktemp("flows") / "home")
    yield server
    finish(server)


@pytest.fixture(scope="session")
def postgresql_server(request, tmp_path_factory):
    with new_storage(request, "postgresql") as settings:
        server = start(tmp_path_factory.mktemp("flows") / "home", **settings)
        yield server
        finish(server)


@pytest.fixture(scope="session")
def server(request, storage):
    """Shared by the tests of one process; each test uses records of its own."""
    return request.getfixturevalue(f"{storage}_server")


@pytest.fixture(scope="session")
def begun(tmp_path_factory):
    """A data folder after its first start, and its API key."""
    server = start(tmp_path_factory.mktemp("begun") / "home")
    server.stop()
    finish(server)
    return server.home, server.api_key


@pytest.fixture
def own_server(request, tmp_path, own_storage):
    """A server that one test may stop, kill or change. Without settings, its first start was that of another one, whose
    folder is copied: a first start takes half as long again."""
    servers = []

    def make(*arguments, api_key=None, **settings):
        home = tmp_path / "home"
        if not (home.exists() or own_storage or settings):
            folder, api_key = request.getfixturevalue("begun")
            shutil.copytree(folder, home)
        servers.append(start(home, *arguments, api_key=api_key, **own_storage | settings))
        return servers[-1]

    yield make
    for server in servers:
        finish(server)


# A second app beside the CRM, and the services that a server over the same folder has.

PROVIDER = """
name = "{name}"
title = "Example"
authorization = "{scheme} {{access_token}}"
[data_centres.here]
api = "http://127.0.0.1:{port}/base"
"""


@pytest.fixture
def upstream():
    """What the second app leads to."""
    upstream = Scripted(OK)
    yield upstream
    upstream.stop()


@pytest.fixture
def home(tmp_path, upstream):
    """A data folder with a second app, whose upstream is a local one."""
    folder = tmp_path / "home" / "providers"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    (folder / "example.toml").write_text(provider(upstream.port))
    return folder.parent


def provider(port, name="example", scheme="Example"):
    """The file of an app that has its API at a local port."""
    return PROVIDER.format(port=port, name=name, scheme=scheme)


def over_the_folder(home, work, **storage):
    """Do something with the services that the server has, over the same data folder and storage."""

    async def run():
        async with open_rooms(settings.load(environment(home, **storage)), Urls("", "")) as rooms:
            return await work(rooms)

    return asyncio.run(run())


def connect_example(home, base_url, account=None, app="example", token=None, **storage):
    """Make an active connection of the example app, whose token names it; gives its id."""

    async def work(rooms):
        connection = await rooms.connections.create(account or await rooms.keys.first_account(), app)
        access = AccessToken(token or f"token-of-{connection.id}", None)
        await rooms.connections.activate(
            connection, Upstream("remote", base_url), {},
            also=lambda tx: rooms.tokens.keep(tx, connection.id, access, None),
        )  # fmt: skip
        return connection.id

    return over_the_folder(home, work, **storage)


@pytest.fixture
def inside(home):
    return functools.partial(over_the_folder, home)


@pytest.fixture
def connect(home, upstream):
    base_url = f"http://127.0.0.1:{upstream.port}/base"
    return lambda account=None: connect_example(home, base_url, account)


# Every way that a request can take through a server.

SURFACES = ["app", "crm as an app", "embedded", "control", "page", "crm", "accounts"]


@contextlib.contextmanager
def serving_apps(home, settings):
    """A server with two more apps behind it: one that records what it is sent, and the server's own CRM."""
    app = Scripted(OK)
    (home / "providers").mkdir(parents=True)
    home.chmod(0o700)
    (home / "providers" / "example.toml").write_text(provider(app.port))
    (home / "providers" / "outside.toml").write_text(provider(app.port, "outside", "Zoho-oauthtoken"))
    server = start(home, **settings)
    connect_example(home, f"http://127.0.0.1:{app.port}/base", **settings)
    server.app, server.token = app, server.credentials["access_token"]
    connect_example(home, server.crm, app="outside", token=server.token, **settings)
    key, token = f"Bearer {server.api_key}", f"Zoho-oauthtoken {server.token}"
    surfaces = [
        Surface("app", "/example/a", server.gateway, key),
        Surface("crm as an app", "/outside/crm/v8/org", server.gateway, key),
        Surface("embedded", "/zoho-crm/crm/v8/org", server.gateway, key),
        Surface("control", "/connections", server.gateway, key),
        Surface("page", "/connect/?session_token=x", server.gateway, key, 400),
        Surface("crm", "/crm/v8/org", server.crm, token),
        Surface("accounts", "/oauth/v2/auth", server.crm, token, 400),
    ]
    server.surfaces = {surface.name: surface for surface in surfaces}
    yield server
    finish(server)
    app.stop()


@pytest.fixture(scope="session")
def sqlite_whole(tmp_path_factory):
    with serving_apps(tmp_path_factory.mktemp("whole") / "home", {}) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_whole(request, tmp_path_factory):
    home = tmp_path_factory.mktemp("whole") / "home"
    with new_storage(request, "postgresql") as settings, serving_apps(home, settings) as server:
        yield server


@pytest.fixture(scope="session")
def whole(request, storage):
    """A server with two more apps behind it, shared by the tests of one process."""
    return request.getfixturevalue(f"{storage}_whole")


@pytest.fixture(params=SURFACES)
def surface(request, whole):
    return whole.surfaces[request.param]
