"""Moorage behind PgBouncer, which lends each connection for one transaction."""

import os
import shutil
import subprocess
from urllib.parse import urlsplit

import pytest

from tests.flows.replicas import LEADS, Load, require_kept, running
from tests.flows.storages import on_postgresql
from tests.flows.test_server import connect
from tests.postgresql_server import free_port, unprivileged
from tests.waiting import wait_until


@pytest.fixture
def pooled(database_url, tmp_path):
    """The URL of the test's database through PgBouncer, which lends connections for one transaction each."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("This machine has no PgBouncer.")
    url, port = urlsplit(database_url), free_port()
    target = f"host={url.hostname} port={url.port}"
    settings = {
        "listen_addr": "127.0.0.1", "listen_port": port, "auth_type": "any", "pool_mode": "transaction",
        "default_pool_size": 6, "max_client_conn": 400, "unix_socket_dir": "", "logfile": "", "pidfile": "",
    }  # fmt: skip
    lines = ["[databases]", f"* = {target} user={url.username}", "[pgbouncer]"]
    file = tmp_path / "pgbouncer.ini"
    file.write_text("\n".join([*lines, *(f"{name} = {value}" for name, value in settings.items())]) + "\n")
    with file.open() as read:  # By whoever runs it, who may not enter this folder.
        process = subprocess.Popen(
            [program, "-q", "/dev/stdin"], cwd="/", stdin=read, stderr=subprocess.PIPE, **unprivileged()
        )
    wait_until(lambda: answers(port) or process.poll() is not None)
    assert process.poll() is None, process.stderr.read()
    yield url._replace(netloc=f"{url.username}@127.0.0.1:{port}").geturl()
    process.terminate()
    process.communicate(timeout=20)


def answers(port):
    import psycopg

    try:
        psycopg.connect(f"postgresql://pgbouncer@127.0.0.1:{port}/pgbouncer", connect_timeout=2).close()
    except psycopg.OperationalError as error:
        return "refused" not in str(error)
    return True


def test_through_a_pooler_that_lends_connections_for_one_transaction(pooled, tmp_path):
    with running(tmp_path, on_postgresql(pooled), 2) as replicas:
        with Load(replicas, callers=8) as load:
            load.go_on(100)
        assert (load.wrong, load.unavailable, load.broken) == ([], 0, 0)
        require_kept(replicas[1], load.kept)
        replicas[0].run("crm", "org", "create", "second", "--empty")
        second = connect(replicas[1], "second")
        named = {"Maton-Connection": second}
        assert replicas[0].call("GET", f"{LEADS}?fields=id", headers=named)[0] == 204
        snapshot = str(tmp_path / "demo.db")
        replicas[0].run("crm", "org", "snapshot", "demo", snapshot)
        replicas[1].run("crm", "org", "reset", "demo", "--yes")
        assert replicas[0].call("GET", f"{LEADS}?fields=id&ids={load.kept[0]}")[0] == 204
        replicas[1].run("crm", "org", "restore", "demo", snapshot, "--yes")
        require_kept(replicas[0], load.kept)
