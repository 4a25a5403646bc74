"""Three servers with folders of their own on one database of PostgreSQL are one Moorage."""

import asyncio
import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from moorage.connections.model import Upstream
from moorage.oauth.tokens.service import AccessToken
from tests.flows.conftest import over_the_folder
from tests.flows.counting_app import CLIENTS, CountingApp
from tests.flows.replicas import LEADS, Load, require_kept, running
from tests.flows.storages import new_storage, on_postgresql
from tests.flows.walker import Walker, set_password
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def app():
    app = CountingApp()
    yield app
    app.stop()


@pytest.fixture(scope="module")
def replicas(request, app, tmp_path_factory):
    """Shared by the tests that stop none of them."""

    def prepare(home):
        (home / "providers").mkdir(parents=True)
        home.chmod(0o700)
        (home / "providers" / "counting.toml").write_text(app.provider)

    folder = tmp_path_factory.mktemp("replicas")
    clients = {"MOORAGE_OAUTH_CLIENTS": CLIENTS}
    with (
        new_storage(request, "postgresql") as storage,
        running(folder, storage | clients, prepare=prepare) as three,
    ):
        yield three


def call(server, method, path, body=None, **headers):
    status, _, answer = server.call(method, path, body, headers)
    return status, json.loads(answer) if answer else None


def inserted(server, name):
    status, answer = call(server, "POST", LEADS, {"data": [{"Last_Name": name}]})
    assert status == 201, answer
    return answer["data"][0]["details"]["id"]


def everywhere(replicas, check):
    return all(check(server) for server in replicas.servers)


def test_what_one_writes_the_others_read_at_once(replicas):
    for number in range(12):
        writer, reader, other = (replicas[(number + step) % 3] for step in range(3))
        record = inserted(writer, f"Shared {number}")
        assert reader.get(f"{LEADS}/{record}")[1]["data"][0]["Last_Name"] == f"Shared {number}"
        assert call(reader, "PUT", LEADS, {"data": [{"id": record, "City": "Ghent"}]})[0] == 200
        assert other.get(f"{LEADS}/{record}")[1]["data"][0]["City"] == "Ghent"
        assert call(other, "DELETE", f"{LEADS}?ids={record}")[0] == 200
        assert writer.call("GET", f"{LEADS}/{record}")[0] == 204


def test_ids_are_given_once_by_all_together(replicas):
    with ThreadPoolExecutor(9) as callers:
        servers = itertools.islice(itertools.cycle(replicas.servers), 90)
        ids = list(callers.map(lambda server: inserted(server, "Counted"), servers))
    assert len(set(ids)) == 90
    _, count = replicas[0].get(f"{LEADS}/actions/count?criteria=(Last_Name:equals:Counted)")
    assert count == {"count": 90}


def test_a_key_that_one_makes_the_others_take_and_one_that_it_revokes_is_dead_within_a_second(replicas):
    key = call(replicas[0], "POST", "/keys", {"name": "brief"})[1]
    own = {"Authorization": f"Bearer {key['secret']}"}

    def statuses():
        return {server.call("GET", f"{LEADS}?fields=id", headers=own)[0] for server in replicas.servers}

    assert statuses() == {200}
    assert call(replicas[1], "DELETE", f"/keys/{key['key']['id']}")[0] == 200
    assert replicas[1].call("GET", f"{LEADS}?fields=id", headers=own)[0] == 401
    wait_until(lambda: statuses() == {401}, 3)  # A second, and two for slow machines.


async def statuses_at_once(requests):
    """The statuses of requests that are all sent before the first is answered."""

    async def ask(server, path):
        address = urlsplit(server.gateway)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {server.api_key}\r\n\r\n".encode()
        )
        line = await reader.readline()
        writer.close()
        return int(line.split()[1])

    return await asyncio.gather(*(ask(server, path) for server, path in requests))


def test_five_hundred_callers_of_all_make_one_token(replicas, app):
    async def connect(rooms):
        connection = await rooms.connections.create(await rooms.keys.first_account(), "counting")
        spent = AccessToken("spent", time.time() - 60)
        await rooms.connections.activate(
            connection, Upstream("remote", app.api, data_centre="here"), {},
            also=lambda tx: rooms.tokens.keep(tx, connection.id, spent, "to refresh with"),
        )  # fmt: skip

    over_the_folder(replicas[0].home, connect, **replicas[0].storage)
    servers = itertools.islice(itertools.cycle(replicas.servers), 500)
    statuses = asyncio.run(statuses_at_once([(server, "/counting/who") for server in servers]))
    assert (set(statuses), app.asked) == ({200}, 1)


def test_a_connection_made_at_one_is_used_and_deleted_at_the_others(replicas):
    replicas[0].run("crm", "org", "create", "second", "--empty", "--name", "Second")
    body = {"app": "zoho-crm", "organisation": "second"}
    connection = call(replicas[0], "POST", "/connections", body)[1]["connection"]
    named = {"Maton-Connection": connection["connection_id"]}
    assert everywhere(
        replicas,
        lambda server: server.get("/zoho-crm/crm/v8/org", **named)[1]["org"][0]["company_name"] == "Second",
    )
    assert call(replicas[1], "DELETE", f"/connections/{connection['connection_id']}")[0] == 200
    wait_until(
        lambda: everywhere(replicas, lambda server: server.get("/zoho-crm/crm/v8/org", **named)[0] == 404), 20
    )
    assert replicas[2].run("crm", "org", "delete", "second", "--yes").returncode == 0


def test_a_person_may_begin_to_connect_at_one_and_end_at_another(replicas):
    first, second, _ = replicas.servers
    connection = call(first, "POST", "/connections", {"app": "zoho-crm"})[1]["connection"]
    set_password(first, "demo")
    page = Walker().connect(connection["url"].replace(first.gateway, second.gateway), "crm/demo")
    assert page.status == 200 and page.heading.startswith("Connected to"), page.text
    for server in replicas.servers:
        shown = server.get(f"/connections/{connection['connection_id']}")[1]["connection"]
        assert shown["status"] == "ACTIVE"
        assert (
            server.get("/zoho-crm/crm/v8/org", **{"Maton-Connection": connection["connection_id"]})[0] == 200
        )


def test_a_field_that_one_makes_the_others_show_and_write_at_once(replicas):
    for number in range(3):
        maker, writer, reader = (replicas[(number + step) % 3] for step in range(3))
        everywhere(
            replicas, lambda server: server.get(f"{LEADS}?fields=id")[0] == 200
        )  # Each knows what was before.
        field = {"field_label": f"Berth {number}", "data_type": "text", "length": 20}
        path = "/zoho-crm/crm/v8/settings/fields?module=Leads"
        status, made = call(maker, "POST", path, {"fields": [field]})
        assert status in {200, 201}, made
        field_id = made["fields"][0]["details"]["id"]
        _, shown = reader.get(path)
        name = next(entry["api_name"] for entry in shown["fields"] if entry["id"] == field_id)
        status, written = call(writer, "POST", LEADS, {"data": [{"Last_Name": "Berth", name: "7"}]})
        assert status == 201, written
        record = written["data"][0]["details"]["id"]
        assert reader.get(f"{LEADS}/{record}")[1]["data"][0][name] == "7"
        _, found = maker.get(f"{LEADS}/search?criteria=({name}:equals:7)&fields={name}")
        assert [lead["id"] for lead in found["data"]] == [record]


def test_a_page_token_of_one_leads_on_at_the_others(replicas):
    path, token, ids = f"{LEADS}?fields=Last_Name&per_page=2", "", []
    for server in itertools.islice(itertools.cycle(replicas.servers), 4):
        _, page = server.get(f"{path}{token}")
        ids += [record["id"] for record in page["data"]]
        token = f"&page_token={page['info']['next_page_token']}"
    assert ids == [
        record["id"] for record in replicas[0].get(f"{LEADS}?fields=Last_Name&per_page=8")[1]["data"]
    ]


def test_named_snapshots_are_shared_and_a_reset_shows_at_once(replicas):
    first, second, third = replicas.servers
    assert call(first, "POST", "/organisations", {"slug": "acme", "sample": False})[0] == 200
    inside = call(second, "POST", "/connections", {"app": "zoho-crm", "organisation": "acme"})[1][
        "connection"
    ]
    named = {"Maton-Connection": inside["connection_id"]}

    def names(server):
        page = server.get(f"{LEADS}?fields=Last_Name", **named)[1]
        return sorted(record["Last_Name"] for record in page["data"]) if page else []

    def add(server, name):
        assert call(server, "POST", LEADS, {"data": [{"Last_Name": name}]}, **named)[0] == 201

    add(first, "Kept")
    assert call(first, "POST", "/organisations/acme/snapshots", {"name": "before"})[0] == 200
    add(third, "Later")
    assert [names(server) for server in replicas.servers] == [["Kept", "Later"]] * 3
    [snapshot] = second.get("/organisations/acme/snapshots")[1]["snapshots"]
    assert snapshot["name"] == "before"
    assert call(second, "POST", "/organisations/acme/restore", {"snapshot": "before"})[0] == 200
    assert [names(server) for server in replicas.servers] == [["Kept"]] * 3
    assert call(third, "POST", "/organisations/acme/reset")[0] == 200
    assert [names(server) for server in replicas.servers] == [[]] * 3
    add(first, "Anew")
    assert [names(server) for server in replicas.servers] == [["Anew"]] * 3
    assert call(third, "DELETE", "/organisations/acme/snapshots/before")[0] == 200
    assert first.get("/organisations/acme/snapshots")[1] == {"snapshots": []}
    assert call(third, "DELETE", "/organisations/acme")[0] == 200
    wait_until(lambda: everywhere(replicas, lambda server: server.get("/organisations/acme")[0] == 404), 20)


@pytest.fixture
def own_replicas(tmp_path, database_url):
    with running(tmp_path, on_postgresql(database_url)) as three:
        yield three


@pytest.mark.slow
def test_a_rolling_restart_fails_no_call(tmp_path, database_url):
    """A replica is stopped while it gets calls. The load balancer learns from the replica itself that it will stop."""
    settings = on_postgresql(database_url) | {"MOORAGE_STOP_DELAY": "1"}
    with running(tmp_path, settings) as replicas:
        with Load(replicas, asks=True) as load:
            load.go_on()
            for number in range(3):
                replicas.stop(number)
                load.go_on()
                replicas.start(number)
                load.go_on()
        assert (load.wrong, load.unavailable, load.broken) == ([], 0, 0)
        require_kept(replicas[0], load.kept)


class Hammer:
    """Calls one server without pause, and counts what was allowed and what was refused for its rate."""

    def __init__(self, server):
        self.allowed = self.refused = 0
        self._server, self._stop = server, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._stop.is_set():
            status = self._server.call("GET", f"{LEADS}?fields=id&per_page=1")[0]
            assert status in {200, 429}
            self.allowed += status == 200
            self.refused += status == 429

    def stop(self):
        self._stop.set()
        self._thread.join(30)


@pytest.mark.slow
def test_a_rate_limit_holds_for_all_together(tmp_path, database_url):
    rate = 20
    with running(tmp_path, on_postgresql(database_url) | {"MOORAGE_RATE_LIMIT": str(rate)}) as three:
        begin = time.monotonic()
        hammers = [Hammer(server) for server in three.servers]
        time.sleep(6)
        for hammer in hammers:
            hammer.stop()
        seconds = time.monotonic() - begin
    assert all(hammer.allowed and hammer.refused for hammer in hammers)
    # A burst of two seconds' worth at each, and then the rate once; three limits would allow three times the rate.
    assert sum(hammer.allowed for hammer in hammers) < 3 * 2 * rate + 1.6 * rate * seconds
