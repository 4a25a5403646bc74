"""The request log of a whole server: after a stop, after a kill, and with several workers."""

import json
import sqlite3
import subprocess
from contextlib import closing
from multiprocessing.connection import wait

from tests import forked
from tests.flows.conftest import MOORAGE
from tests.waiting import wait_until


def paths(server):
    return [call["path"] for call in json.loads(server.call("GET", "/requests?limit=200")[2])["requests"]]


def kinds(server):
    return [notice["kind"] for notice in json.loads(server.call("GET", "/requests")[2])["notices"]]


def call(server, path):
    assert server.call("GET", f"/zoho-crm/crm/v8{path}")[0] < 500


def kept(server):
    """How many calls the log of a stopped server has, and how many processes that did not say that they end."""
    with closing(sqlite3.connect(server.home / "requests.db")) as database:
        return database.execute("SELECT sum(count), (SELECT count(*) FROM writers) FROM blocks").fetchone()


def test_a_kill_is_told_at_the_next_start_and_a_stop_writes_the_last_calls(own_server):
    server = own_server()
    call(server, "/org")
    wait_until(lambda: paths(server))
    server.process.kill()
    server.process.wait(20)
    server = own_server(api_key=server.api_key)
    assert (paths(server), kinds(server)) == (["/crm/v8/org"], ["interrupted"])
    call(server, "/users")
    assert server.stop() == 0
    assert kept(server) == (2, 0)


def test_a_tail_shows_the_calls_of_all_workers_and_ends_with_the_server(own_server):
    server = own_server("--workers", "2")
    process = forked.popen(
        [*MOORAGE, "requests", "tail", "path:/crm/v8/Leads/*", "--json"],
        env=server.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(
            lambda: call(server, "/org") or call(server, "/Leads/0") or wait([process.stdout], 0),
            20,
        )
        expected = {f"/crm/v8/Leads/{index}" for index in range(12)}
        for index in range(12):
            call(server, f"/Leads/{index}")
        seen = set()
        while seen != expected:
            seen.add(json.loads(process.stdout.readline())["path"])
        assert set(paths(server)) >= expected
        assert server.stop() == 0
        assert process.wait(20) == 3  # It tries to go on, and nobody listens.
    finally:
        process.kill()
        process.communicate()
