"""Callers of a whole server never notice that tokens end."""

import contextlib
import sqlite3

from tests.flows.test_rotation import Traffic
from tests.waiting import wait_until


def on(server, sql):
    connection = sqlite3.connect(server.home / "moorage.db", timeout=20)
    with contextlib.closing(connection), connection:
        return connection.execute(sql).fetchall()


def test_a_token_that_ended_is_renewed_once_by_all_workers_and_fails_no_call(own_server):
    """R1."""
    server = own_server("--workers", "3")
    with Traffic(server, callers=12) as traffic:
        traffic.go_on()
        on(server, "UPDATE secrets SET expires_at = 1 WHERE kind = 'access_token'")
        wait_until(lambda: on(server, "SELECT * FROM refresh_mints"), 10)
        for _ in range(3):
            traffic.go_on()
    assert traffic.failed == [] and traffic.served
    assert len(on(server, "SELECT * FROM refresh_mints")) == 1
    [[ends]] = on(server, "SELECT expires_at FROM secrets WHERE kind = 'access_token'")
    assert ends > 1
