"""An acknowledged record survives `kill -9`."""

import http.client
import json
import random
import shutil
import threading
import time
import urllib.error
import urllib.request

import apsw

from tests.flows.conftest import finish, start
from tests.flows.storages import on_both_storages
from tests.waiting import wait_until

pytestmark = on_both_storages
# A server with files of its own has more to bring in order after a kill.
ROUNDS = {"sqlite": 20, "postgresql": 4}
WRITERS = 4


class Stream:
    """Inserts without pause from several threads, and remembers what was acknowledged."""

    def __init__(self, server) -> None:
        self._server = server
        self._stop = threading.Event()
        self.acknowledged: list[str] = []
        self.refused: list[object] = []
        self._threads = [threading.Thread(target=self._insert) for _ in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def _insert(self) -> None:
        body = {"data": [{"Last_Name": "Kept"}, {"Last_Name": "Kept"}]}
        while not self._stop.is_set():
            try:
                status, _, answer = self._server.call("POST", "/zoho-crm/crm/v8/Leads", body)
            except (OSError, urllib.error.URLError, http.client.HTTPException):
                return
            if status != 201:
                self.refused.append((status, answer))
                return
            if answer:
                self.acknowledged += [outcome["details"]["id"] for outcome in json.loads(answer)["data"]]

    def join(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def check_sound(home, copy) -> None:
    """Tables, indexes and full text after recovery; of a copy, so that the server recovers by itself."""
    shutil.copytree(home / "crm", copy, ignore=shutil.ignore_patterns("*-shm"))
    for file in [copy / "registry.db", *(copy / "orgs").glob("*.db")]:
        connection = apsw.Connection(str(file))
        assert connection.execute("PRAGMA integrity_check").get == "ok"
        tables = "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE%'"
        for (table,) in connection.execute(tables).fetchall():
            connection.execute(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")
        connection.close()
    shutil.rmtree(copy)


def test_no_acknowledged_record_is_lost(tmp_path, storage, own_storage):
    chance = random.Random(7)
    kept: list[str] = []
    key = None
    for _ in range(ROUNDS[storage]):
        server = start(tmp_path / "home", api_key=key, **own_storage)
        key = server.api_key
        stream = Stream(server)
        wait_until(lambda stream=stream: len(stream.acknowledged) > 10, 20)
        time.sleep(chance.random() * 0.2)
        finish(server)
        stream.join()
        assert stream.refused == []
        if storage == "sqlite":
            check_sound(tmp_path / "home", tmp_path / "copy")
        kept += stream.acknowledged
    server = start(tmp_path / "home", api_key=key, **own_storage)
    try:
        assert len(kept) > ROUNDS[storage] * 10
        for begin in range(0, len(kept), 100):
            ids = kept[begin : begin + 100]
            _, answer = server.get(f"/zoho-crm/crm/v8/Leads?fields=Last_Name&ids={','.join(ids)}")
            assert {outcome["id"] for outcome in answer["data"]} == set(ids)
        _, count = server.get("/zoho-crm/crm/v8/Leads/actions/count?criteria=(Last_Name:equals:Kept)")
        # The full text knows them all, and a request whose answer was lost is there whole or not at all.
        assert count["count"] >= len(kept)
        assert count["count"] % 2 == 0
    finally:
        finish(server)
