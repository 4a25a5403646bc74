"""An acknowledged record survives `kill -9`."""

import json
import random
import threading
import time
import urllib.error
import urllib.request

from tests.flows.conftest import finish, start, wait_until

ROUNDS = 20
WRITERS = 4


class Stream:
    """Inserts without pause from several threads, and remembers what was acknowledged."""

    def __init__(self, server) -> None:
        self._server = server
        self._stop = threading.Event()
        self.acknowledged: list[str] = []
        self._threads = [threading.Thread(target=self._insert) for _ in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def _insert(self) -> None:
        body = {"data": [{"Last_Name": "Kept"}, {"Last_Name": "Kept"}]}
        while not self._stop.is_set():
            try:
                _, _, answer = self._server.call("POST", "/zoho-crm/crm/v8/Leads", body)
            except (OSError, urllib.error.URLError):
                return
            if answer:
                self.acknowledged += [one["details"]["id"] for one in json.loads(answer)["data"]]

    def join(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_no_acknowledged_record_is_lost(tmp_path):
    chance = random.Random(7)
    kept: list[str] = []
    key = None
    for _ in range(ROUNDS):
        server = start(tmp_path / "home", api_key=key)
        key = server.api_key
        stream = Stream(server)
        wait_until(lambda stream=stream: len(stream.acknowledged) > 10, 20)
        time.sleep(chance.random() * 0.2)
        finish(server)
        stream.join()
        kept += stream.acknowledged
    server = start(tmp_path / "home", api_key=key)
    try:
        assert len(kept) > ROUNDS * 10
        for begin in range(0, len(kept), 100):
            ids = kept[begin : begin + 100]
            _, answer = server.get(f"/zoho-crm/crm/v8/Leads?fields=Last_Name&ids={','.join(ids)}")
            assert {one["id"] for one in answer["data"]} == set(ids)
        _, count = server.get("/zoho-crm/crm/v8/Leads/actions/count?criteria=(Last_Name:equals:Kept)")
        assert count["count"] >= len(kept)
    finally:
        finish(server)
