"""Killed while connections and keys are made and deleted: what was acknowledged holds, nothing stands half."""

import http.client
import json
import random
import shutil
import sqlite3
import threading
import time
import urllib.error

import psycopg
import pytest

from tests.flows.conftest import finish, start
from tests.flows.storages import on_both_storages
from tests.flows.test_server import go_through
from tests.waiting import wait_until

pytestmark = on_both_storages
ROUNDS = {"sqlite": 6, "postgresql": 3}
WORKERS = 3
ORG = "/zoho-crm/crm/v8/org"
GONE = (OSError, urllib.error.URLError, http.client.HTTPException)


class Changes:
    """Makes and deletes connections and keys without pause, and remembers what was acknowledged."""

    def __init__(self, server) -> None:
        self._server = server
        self.active: set[str] = set()
        self.leaving: set[str] = set()  # Those whose deletion was asked for.
        self.deleted: set[str] = set()
        self.secrets: set[str] = set()
        self.revoked: set[str] = set()
        self.wrong: list[object] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(WORKERS)]
        for thread in self._threads:
            thread.start()

    @property
    def count(self) -> int:
        return len(self.deleted) + len(self.revoked)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._change()
        except GONE:
            return
        except Exception as error:  # noqa: BLE001 (whatever it is, the test has to fail of it)
            self.wrong.append(error)

    def _change(self) -> None:
        self._delete(self._connect())
        last = self._connect()
        key = json.loads(self._server.call("POST", "/keys", {"name": "made"})[2])
        self.secrets.add(key["secret"])
        brief = json.loads(self._server.call("POST", "/keys", {"name": "brief"})[2])
        assert self._server.call("DELETE", f"/keys/{brief['key']['id']}")[0] == 200
        self.revoked.add(brief["secret"])
        self._delete(last)

    def _connect(self) -> str:
        connection = json.loads(self._server.call("POST", "/connections", {"app": "zoho-crm"})[2])[
            "connection"
        ]
        go_through(connection["url"], "demo")
        self.active.add(connection["connection_id"])
        return connection["connection_id"]

    def _delete(self, connection_id: str) -> None:
        self.leaving.add(connection_id)
        assert self._server.call("DELETE", f"/connections/{connection_id}")[0] == 200
        self.deleted.add(connection_id)

    def join(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def status(server, path, **headers):
    return server.call("GET", path, headers=headers)[0]


def check_answers(server, changes) -> None:
    """Everything acknowledged is there, nothing deleted is, and each connection that says ACTIVE works."""
    _, listed = server.get("/connections")
    states = {connection["connection_id"]: connection["status"] for connection in listed["connections"]}
    active = {connection_id for connection_id, state in states.items() if state == "ACTIVE"}
    assert changes.active - changes.leaving <= active
    assert changes.deleted.isdisjoint(states)
    assert set(states.values()) <= {"ACTIVE", "PENDING"}
    for connection_id, state in states.items():
        wanted = {200} if state == "ACTIVE" else {400}
        if connection_id in changes.leaving:
            wanted.add(401)  # Its token is made worthless first, and the kill may have come then.
        assert status(server, ORG, **{"Maton-Connection": connection_id}) in wanted
    for secret in changes.secrets:
        assert status(server, "/connections", Authorization=f"Bearer {secret}") == 200
    for secret in changes.revoked:
        assert status(server, "/connections", Authorization=f"Bearer {secret}") == 401


def check_file(home, copy) -> None:
    """The database is sound, and tokens are kept as they should be."""
    copy.mkdir()
    for file in home.glob("moorage.db*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, copy)
    database = sqlite3.connect(copy / "moorage.db")
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    check_tokens(database, "")
    database.close()
    shutil.rmtree(copy)


def check_schema(url) -> None:
    with psycopg.connect(url) as database:
        check_tokens(database, "moorage.")


def check_tokens(database, schema) -> None:
    """They are there for ACTIVE connections and for nothing else."""
    rows = database.execute(f"SELECT id FROM {schema}connections WHERE status = 'ACTIVE'").fetchall()
    for kind in ("access_token", "refresh_token"):
        owners = database.execute(f"SELECT owner_id FROM {schema}secrets WHERE kind = '{kind}'").fetchall()
        assert set(owners) == set(rows)


def forget(server) -> None:
    """Delete all connections: the CRM's accounts server lets a user have twenty at once, and no more."""
    _, listed = server.get("/connections")
    for connection in listed["connections"]:
        assert server.call("DELETE", f"/connections/{connection['connection_id']}")[0] == 200


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_nothing_stands_half(tmp_path, storage, own_storage):
    chance = random.Random(11)
    key, changes = None, None
    for _ in range(ROUNDS[storage]):
        server = start(tmp_path / "home", api_key=key, **own_storage)
        key = server.api_key
        try:
            if changes is not None:
                check_answers(server, changes)
            forget(server)
            changes = Changes(server)
            wait_until(lambda changes=changes: changes.count > 2 * WORKERS or changes.wrong, 60)
            time.sleep(chance.random() * 0.1)
        finally:
            finish(server)
        changes.join()
        assert changes.wrong == []
        if storage == "sqlite":
            check_file(tmp_path / "home", tmp_path / "copy")
        else:
            check_schema(own_storage["MOORAGE_DATABASE_URL"])
    server = start(tmp_path / "home", api_key=key, **own_storage)
    try:
        check_answers(server, changes)
    finally:
        finish(server)
