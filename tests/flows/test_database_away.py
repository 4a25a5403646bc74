"""The database goes away under load, and comes back: nothing acknowledged is lost, and nobody has to do anything."""

import json
import os
import random
import time

import pytest

from tests.flows.forwarder import Forwarder
from tests.flows.replicas import LEADS, Load, require_kept, running
from tests.flows.storages import on_postgresql
from tests.waiting import wait_until

# How often the long form of a test kills; the suite kills a few times.
KILLS = int(os.environ.get("MOORAGE_TEST_KILLS", "0"))


def owned(server):
    """The URL of a new database of a server, for somebody who may do nothing else there."""
    server.execute("CREATE DATABASE moorage OWNER moorage")
    return f"postgresql://moorage@127.0.0.1:{server.port}/moorage"


def readiness(server):
    status, headers, body = server.call("GET", "/readyz", headers={"Authorization": ""})
    return status, headers, json.loads(body)


def wait_until_ready(replicas):
    for server in replicas.servers:
        wait_until(lambda server=server: readiness(server)[0] == 200, 60)


@pytest.fixture
def database(new_postgresql):
    return new_postgresql()


@pytest.mark.slow
def test_while_the_database_is_away_callers_are_told_when_to_come_again(database, tmp_path):
    with running(tmp_path, on_postgresql(owned(database)), 2) as replicas:
        with Load(replicas) as load:
            load.go_on()
            database.stop("fast")
            wait_until(lambda: load.unavailable > 20 or load.wrong, 60)
            for server in replicas.servers:
                _, headers, body = wait_until(lambda server=server: unready(server), 30)
                assert body["error"]["code"].startswith("database_"), body
                assert "server can't be reached" in body["message"] and int(headers["retry-after"]) > 0
                assert server.call("GET", "/healthz")[0] == 200
                assert_told(server)
            database.start()
            wait_until_ready(replicas)
            load.go_on()
        assert load.wrong == [] and load.unavailable > 0
        require_kept(replicas[0], load.kept)


def unready(server):
    answer = readiness(server)
    return answer if answer[0] == 503 else None


def assert_told(server):
    """What callers of every kind read: of an app, of the control API, and of the CRM's own origin."""
    for path, base in ((f"{LEADS}?fields=id", None), ("/connections", None), ("/crm/v8/org", server.crm)):
        status, headers, _ = server.call("GET", path, base=base)
        assert status == 503 and int(headers["retry-after"]) > 0, path


def assert_survives(replicas, load, kills, harm):
    """Harm the database so many times under load; everything comes back by itself."""
    chance = random.Random(5)
    for _ in range(kills):
        load.go_on()
        time.sleep(chance.random() * 0.2)
        harm()
        wait_until_ready(replicas)
    load.go_on()


@pytest.mark.slow
def test_a_database_that_is_killed_under_load_loses_nothing_acknowledged(database, tmp_path):
    def harm():
        database.kill()
        database.start()

    with running(tmp_path, on_postgresql(owned(database)), 2) as replicas:
        with Load(replicas) as load:
            assert_survives(replicas, load, KILLS // 5 or 2, harm)
        assert load.wrong == []
        require_kept(replicas[1], load.kept)
        print(f"kept {len(load.kept)}, unavailable {load.unavailable}, broken {load.broken}")


@pytest.mark.slow
def test_replicas_that_are_killed_under_load_lose_nothing_acknowledged(database, tmp_path):
    chance = random.Random(7)
    with running(tmp_path, on_postgresql(owned(database))) as replicas:
        with Load(replicas) as load:
            for _ in range(KILLS or 4):
                load.go_on()
                time.sleep(chance.random() * 0.1)
                number = chance.randrange(3)
                replicas.kill(number)
                load.go_on()  # The others go on without it.
                replicas.start(number)
        assert load.wrong == []
        require_kept(replicas[0], load.kept)
        print(f"kept {len(load.kept)}, unavailable {load.unavailable}, broken {load.broken}")


@pytest.mark.slow
def test_a_standby_that_takes_over_has_everything_acknowledged(database, new_postgresql, tmp_path):
    url = owned(database)
    standby = new_postgresql(database)
    # From now on a commit is acknowledged once the standby has it, too.
    database.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
    database.execute("SELECT pg_reload_conf()")
    wait_until(lambda: database.execute("SELECT sync_state FROM pg_stat_replication") == "sync", 30)
    door = Forwarder(database.port)
    try:
        settings = on_postgresql(url.replace(str(database.port), str(door.port)))
        with running(tmp_path, settings, 2) as replicas:
            with Load(replicas) as load:
                load.go_on()
                database.kill()
                standby.promote()
                door.switch(standby.port)
                wait_until_ready(replicas)
                load.go_on()
            assert load.wrong == []
            require_kept(replicas[0], load.kept)
    finally:
        door.stop()
