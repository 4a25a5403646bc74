"""The gateway's own origin called where a socket would call it, with data of its own and a clock that stands still."""

import asyncio
import functools
import json
import re
import sqlite3
import tempfile
import urllib.parse
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from moorage.clock import FrozenClock
from moorage.control import control_origin
from moorage.crm.metadata.standard import DEMO
from moorage.crm.storage.migrations import CRM
from moorage.http.inside import InsideAnswer
from moorage.ids import new_uuid
from moorage.keys import store
from moorage.requests.migrations import REQUESTS
from moorage.rooms import Rooms, Urls
from moorage.settings import load
from moorage.settings.databases import is_postgresql
from moorage.storage.migrate import CONTROL, migrate
from moorage.storage.sqlite import sqlite_path
from tests.crm.beginnings import quick_openings, quicken  # noqa: F401 (a fixture)
from tests.person import Person
from tests.waited import Waited

GATEWAY = "http://gateway.test"
NOW = datetime(2026, 2, 7, 9, 10, 56, 48_460, UTC)


@functools.cache
def _migrated(history) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new.db"
        migrate(f"sqlite:///{path}", history=history)
        return path.read_bytes()


def migrated(path, history=CONTROL):
    """Make an empty database in a file: as `migrate` makes it, which is asked only once."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(0o600)
        path.write_bytes(_migrated(history))


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["error"]["code"]

    @property
    def text(self):
        return self.body.decode()

    def alike(self):
        """What two answers to the same request have in common: all but their request ids."""
        return self.status, {k: v for k, v in self.headers.items() if k != "x-request-id"}, self.body


class Control:
    """`changes` counts how often the gateway was told to forget what it remembers of connections."""

    def __init__(self, home, environ=None, refresh=None):
        self._runner = asyncio.Runner()
        self.clock = FrozenClock(NOW)
        self.environ = environ or {}
        self.settings = load(self.environ, home=home)
        if not is_postgresql(self.settings.database_url):
            migrated(sqlite_path(self.settings.database_url))
            migrated(home / "requests.db", REQUESTS)
        if not is_postgresql(self.settings.crm_database_url):
            migrated(self.settings.crm_folder / "registry.db", CRM)
        self.changes = 0
        self.rooms = self.run(self._open())
        self.rooms.inside = _Inside(self)
        self._app = control_origin(self.rooms, self._changed)
        self.crm = Waited(self.rooms.crm, run=self.run)
        if not is_postgresql(self.settings.crm_database_url):
            quicken(self.rooms.crm.organisations, self.settings.crm_folder / "orgs", self.clock)

    async def _open(self):
        return Rooms(self.settings, Urls(GATEWAY, "http://crm.test"), self.clock)

    @contextmanager
    def another(self):
        """The rooms of another process with the same data."""
        rooms = self.run(self._open())
        try:
            yield rooms
        finally:
            self.run(rooms.close())

    def _changed(self):
        self.changes += 1

    def run(self, coroutine):
        return self._runner.run(coroutine)

    def close(self):
        self.run(self.rooms.close())
        self._runner.close()

    def call(self, method, target, **options):
        return self.run(self.ask(method, target, **options))

    def together(self, *asked):
        async def gathered():
            return await asyncio.gather(*asked)

        return self.run(gathered())

    async def ask(self, method, target, *, key=None, body=b"", headers=()):
        path, _, query = target.partition("?")
        sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        if key is not None:
            sent.append((b"authorization", f"Bearer {key}".encode()))
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": urllib.parse.unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "client": ("127.0.0.1", 40_000),
            "headers": sent,
        }
        messages = []

        arriving = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive():
            return next(arriving, {"type": "http.disconnect"})

        async def send(message):
            messages.append(message)

        await self._app(scope, receive, send)
        start, *parts = messages
        pairs = [(name.decode(), value.decode()) for name, value in start["headers"]]
        assert len(dict(pairs)) == len(pairs), "a header was sent twice"
        return Answer(start["status"], dict(pairs), b"".join(part.get("body", b"") for part in parts))

    # The embedded CRM, and a person who connects to it through the pages for that.

    def organisation(self, slug, name=None):
        spec = replace(DEMO, name=name or slug)
        return self.crm.organisations.create(slug, spec, sample=False)

    def press(self, url, organisation):
        return self.run(self.pressing(url, organisation))

    def pressing(self, url, organisation):
        return Person(self).connecting(url, organisation)


class _Inside:
    """The calls that the server makes to itself, as pages of the console do."""

    def __init__(self, control):
        self._control = control

    async def call(self, method, target, headers, body, *, client, most):
        sent = [(name.decode(), value.decode("latin-1")) for name, value in headers]
        answer = await self._control.ask(method, target, body=body, headers=sent)
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
        return InsideAnswer(answer.status, pairs, answer.body)


class Caller:
    """Somebody with an account and a key."""

    def __init__(self, control, name):
        self.control = control
        self.account = control.run(self._sign_up(name))
        # No two things are made in the same microsecond: this key is older than what it makes.
        control.clock.advance(-1e-6)
        _, self.key = control.run(control.rooms.keys.create(self.account, name))
        control.clock.advance(1e-6)
        self._has_connections = False

    async def _sign_up(self, name):
        account = new_uuid()
        async with self.control.rooms.database.transaction() as tx:
            await store.add_account(tx, account, name)
        return account

    async def _connect_inside(self, connection_id, organisation):
        rooms = self.control.rooms
        connection = await rooms.connections.get(self.account, connection_id)
        await rooms.connect_inside(connection, organisation)

    def call(self, method, target, body=None, **options):
        sent = b"" if body is None else json.dumps(body).encode()
        return self.control.call(method, target, key=self.key, body=sent, **options)

    def get(self, target):
        return self.call("GET", target)

    def connect(self, organisation=None, **members):
        """A new connection, ACTIVE if an organisation is named."""
        if self._has_connections:
            self.control.clock.advance(1e-6)
        self._has_connections = True
        connection = self.call("POST", "/connections", {"app": "zoho-crm", **members}).json["connection"]
        if organisation is None:
            return connection
        self.control.run(self._connect_inside(connection["id"], organisation))
        return self.get(f"/connections/{connection['connection_id']}").json["connection"]


def in_registry(control, *statements):
    """What the statements give in the database of the CRM's organisations and accounts."""
    path = control.settings.crm_folder / "registry.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements]


def token_of(url):
    return re.fullmatch(rf"{GATEWAY}/connect/\?session_token=([\w-]+)", url).group(1)


def kept_secrets(control):
    """The rows of the vault's table."""

    async def read():
        async with control.rooms.database.transaction() as tx:
            return (await tx.connection.exec_driver_sql("SELECT * FROM secrets")).all()

    return control.run(read())


@pytest.fixture
def control(tmp_path, database_settings):
    with closing(Control(tmp_path / "home", database_settings)) as control:
        yield control


@pytest.fixture
def owner(control):
    return Caller(control, "owner")


@pytest.fixture
def stranger(control):
    return Caller(control, "stranger")
