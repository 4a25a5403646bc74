"""Several servers of Moorage on one database, and callers who use them as a load balancer does."""

import contextlib
import http.client
import itertools
import json
import threading
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
        self.leaving = set()  # Those that get no more writes, as they will be stopped.
        self.writes = [0] * count  # That each has not answered yet.
        self.lock = threading.Lock()
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
        self.leaving.discard(number)

    def kill(self, number):
        finish(self.servers[number])

    def stop(self, number):
        """As an operator stops it: it is left out of what is sent anew, and then told to end."""
        with self.lock:
            self.leaving.add(number)
        wait_until(lambda: self.writes[number] == 0, 60)
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

    A read that broke off is sent again. A write goes to no replica that will be stopped: it could break off where
    nobody knows whether it was done. Gives status, headers and body; raises what broke a write.
    """

    def __init__(self, replicas, first=0):
        self._replicas = replicas
        self._turns = itertools.count(first)

    def call(self, method, path, body=None, headers=None):
        last = None
        for _ in range(4 * len(self._replicas)):
            number = next(self._turns) % len(self._replicas)
            try:
                with self._counted(number, method) as may_go:
                    if may_go:
                        return self._replicas[number].call(method, path, body, headers)
            except BROKEN as error:
                last = error
                if method != "GET" and not _took_no_connection(error):
                    raise
        raise last

    @contextlib.contextmanager
    def _counted(self, number, method):
        """Whether a call may go to a replica, which waits for the answers to its writes before it stops."""
        replicas, is_write = self._replicas, method != "GET"
        with replicas.lock:
            may_go = not (is_write and number in replicas.leaving)
            replicas.writes[number] += is_write and may_go
        try:
            yield may_go
        finally:
            with replicas.lock:
                replicas.writes[number] -= is_write and may_go


def _took_no_connection(error):
    return isinstance(getattr(error, "reason", error), ConnectionRefusedError)


class Load(Callers):
    """Callers who insert and read without pause, and remember what was acknowledged.

    `kept` are the ids of records whose insert was acknowledged, `unavailable` counts answers with 503, which must say
    when to come again, and `wrong` are all other answers that should not be.
    """

    def __init__(self, replicas, callers=4, name="Kept"):
        self._replicas, self._name = replicas, name
        self.kept, self.wrong = [], []
        self.unavailable = self.broken = 0
        super().__init__(callers)

    def _run(self, number):
        balancer = Balancer(self._replicas, number)
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
