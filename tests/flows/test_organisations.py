"""Whole organisations are copied, restored, reset and deleted by commands while two workers answer requests."""

import http.client
import json
import threading
import urllib.error

import pytest

from tests.flows.conftest import finish, start
from tests.flows.storages import on_both_storages

pytestmark = on_both_storages
CALLERS = 3


class Callers:
    """Ask and write without pause from several threads, and remember every answer that is out of place."""

    def __init__(self, server, *, may_end: bool) -> None:
        self._server = server
        self._allowed = {200, 201, 204} | ({400, 401} if may_end else set())
        self._stop = threading.Event()
        self.wrong: list[object] = []
        self.answers = 0
        self._threads = [threading.Thread(target=self._run) for _ in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        requests = [
            ("GET", "Leads?fields=Last_Name,Owner,Modified_Time", None),
            ("POST", "Leads", {"data": [{"Last_Name": "Written", "Email": "w@x.example"}]}),
            ("GET", "Leads/search?word=written", None),
            ("GET", "Leads/actions/count", None),
            ("GET", "Leads/search?email=w@x.example&sort_by=Company", None),
            ("GET", "Contacts?fields=Account_Name&sort_by=Modified_Time", None),
            ("GET", "Leads/deleted?type=all", None),
        ]
        while not self._stop.is_set():
            for method, path, body in requests:
                try:
                    status, _, answer = self._server.call(method, f"/zoho-crm/crm/v8/{path}", body)
                except (OSError, urllib.error.URLError, http.client.HTTPException) as error:
                    self.wrong.append(error)
                    return
                self.answers += 1
                if status not in self._allowed:
                    self.wrong.append((status, method, path, answer))

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def server(tmp_path, own_storage):
    server = start(tmp_path / "home", "--workers", "2", **own_storage)
    yield server
    finish(server)


@pytest.mark.slow
def test_no_request_fails_while_commands_replace_the_organisation(server, tmp_path):
    snapshot = str(tmp_path / "snap.db")
    server.run("crm", "org", "snapshot", "demo", snapshot)
    callers = Callers(server, may_end=False)
    try:
        for _ in range(3):
            server.run("crm", "org", "restore", "demo", snapshot, "--yes")
            server.run("crm", "org", "snapshot", "demo", snapshot, "--yes")
            server.run("crm", "org", "reset", "demo", "--yes")
    finally:
        callers.stop()
    assert callers.wrong == []
    assert callers.answers > 100


@pytest.mark.slow
def test_a_deleted_organisation_ends_for_every_worker(server):
    callers = Callers(server, may_end=True)
    try:
        server.run("crm", "org", "delete", "demo", "--yes")
        server.run("crm", "org", "create", "demo", "--empty")
    finally:
        callers.stop()
    assert callers.wrong == []
    # The new one has the same name and id and is none that the connection was made for.
    statuses = {server.call("GET", "/zoho-crm/crm/v8/Leads?fields=id")[0] for _ in range(10)}
    assert statuses <= {400, 401}
    created = json.loads(server.run("crm", "org", "list", "--json").stdout)["organisations"]
    assert [created_id["slug"] for created_id in created] == ["demo"]
