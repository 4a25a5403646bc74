"""Several servers of Moorage on one database, and callers who use them as a load balancer does."""

import contextlib
import http.client
import itertools
import json
import time
import urllib.error

from tests.flows.callers import Callers
from tests.flows.conftest import finish, start
from tests.postgresql_server import free_port
from tests.waiting import wait_until

BROKEN = (OSError, urllib.error.URLError, http.client.HTTPException)
LEADS = "/zoho-crm/crm/v8/Leads"


class Replicas:
    """Servers with homes and ports of their own, which they keep when they are started again."""

    def __init__(self, folder, settings, count=3, prepare=lambda home: None):
        self._settings = settings
        self._homes = [folder / f"replica-{number}" for number in range(count)]
        self._ports = [(free_port(), free_port()) for _ in range(count)]
        self.servers = [None] * count
        self.api_key = None
        for number in range(count):
            prepare(self._homes[number])
            self.start(number)

    def __getitem__(self, number):
        return self.servers[number]

    def __len__(self):
        return len(self.servers)

    def start(self, number):
        gateway, crm = self._ports[number]
        arguments = ["--port", str(gateway), "--crm-port", str(crm)]
        self.servers[number] = start(self._homes[number], *arguments, api_key=self.api_key, **self._settings)
        self.api_key = self.servers[number].api_key

    def kill(self, number):
        finish(self.servers[number])

    def stop(self, number):
        assert self.servers[number].stop() == 0
        self.servers[number].process.communicate(timeout=20)

    def close(self):
        for server in self.servers:
            if server is not None:
                finish(server)


@contextlib.contextmanager
def running(folder, settings, count=3, **more):
    replicas = Replicas(folder, settings, count, **more)
    try:
        yield replicas
    finally:
        replicas.close()


class Balancer:
    """Sends calls to the replicas in turn. A replica that takes no connection is left out; its call goes to the next.

    A read that broke off is sent again. Gives status, headers and body; raises what broke a write. With `asks`, it asks
    each replica four times a second whether it is ready, and leaves out one that is not.
    """

    def __init__(self, replicas, first=0, *, asks=False):
        self._replicas = replicas
        self._turns = itertools.count(first)
        self._asks = asks
        self._asked = {}  # When each was asked, and whether it was ready.

    def call(self, method, path, body=None, headers=None):
        last = None
        for _ in range(4 * len(self._replicas)):
            number = next(self._turns) % len(self._replicas)
            try:
                if not self._asks or self._is_ready(number):
                    return self._replicas[number].call(method, path, body, headers)
            except BROKEN as error:
                last = error
                if method != "GET" and not _took_no_connection(error):
                    raise
        raise last

    def _is_ready(self, number):
        at, is_ready = self._asked.get(number, (-1, False))
        if time.monotonic() - at > 0.25:
            at = time.monotonic()
            try:
                is_ready = self._replicas[number].call("GET", "/readyz")[0] == 200
            except BROKEN:
                is_ready = False
            self._asked[number] = at, is_ready
        return is_ready


def _took_no_connection(error):
    return isinstance(getattr(error, "reason", error), ConnectionRefusedError)


class Load(Callers):
    """Callers who insert and read without pause, and remember what was acknowledged.

    `kept` are the ids of records whose insert was acknowledged, `unavailable` counts answers with 503, which must say
    when to come again, and `wrong` are all other answers that should not be.
    """

    def __init__(self, replicas, callers=4, name="Kept", *, asks=False):
        self._replicas, self._name, self._asks = replicas, name, asks
        self.kept, self.wrong = [], []
        self.unavailable = self.broken = 0
        super().__init__(callers)

    def _run(self, number):
        balancer = Balancer(self._replicas, number, asks=self._asks)
        while not self._stop.is_set():
            try:
                self._insert(balancer)
                self._look(balancer)
            except BROKEN:
                self.broken += 1
            except Exception as error:  # noqa: BLE001 (whatever it is, the test has to fail of it)
                self.wrong.append(error)
                return

    def _insert(self, balancer):
        body = {"data": [{"Last_Name": self._name}, {"Last_Name": self._name}]}
        answer = self._answer(balancer, "POST", LEADS, body)
        if answer is not None:
            self.kept += [outcome["details"]["id"] for outcome in answer["data"]]

    def _look(self, balancer):
        """An acknowledged record is there for the next who asks, at whichever replica."""
        if not self.kept:
            return
        record_id = self.kept[-1]
        answer = self._answer(balancer, "GET", f"{LEADS}?fields=Last_Name&ids={record_id}")
        if answer is not None and [record["id"] for record in answer["data"]] != [record_id]:
            self.wrong.append((record_id, answer))

    def _answer(self, balancer, method, path, body=None):
        status, headers, content = balancer.call(method, path, body)
        if status == 503 and int(headers["retry-after"]) > 0:
            self.unavailable += 1
            self._stop.wait(0.05)
            return None
        if status not in {200, 201}:
            self.wrong.append((method, path, status, content))
            return None
        return json.loads(content)

    def go_on(self, records=20, seconds=60):
        """Wait until so many more records were acknowledged."""
        before = len(self.kept)
        wait_until(lambda: len(self.kept) >= before + records or self.wrong, seconds)
        assert self.wrong == []


def require_kept(server, ids, name="Kept"):
    """Every acknowledged record is there, also for the search, and a request is there whole or not at all."""
    for begin in range(0, len(ids), 100):
        some = ids[begin : begin + 100]
        _, answer = server.get(f"{LEADS}?fields=Last_Name&ids={','.join(some)}")
        assert {record["id"] for record in answer["data"]} == set(some)
    _, count = server.get(f"{LEADS}/actions/count?criteria=(Last_Name:equals:{name})")
    assert count["count"] >= len(ids) and count["count"] % 2 == 0
