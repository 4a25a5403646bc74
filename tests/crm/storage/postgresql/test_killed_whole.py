"""A process is killed in the middle of work on a whole organisation in PostgreSQL: nothing is ever half done."""

import os
import signal

import psycopg
import pytest

from moorage.clock import FrozenClock
from moorage.crm.metadata.standard import DEMO
from moorage.crm.organisations.service import Organisations
from moorage.crm.storage.postgresql.storage import PostgresqlStorage
from moorage.storage import lease
from tests.contracts.opened import Opened
from tests.crm.conftest import BEGIN
from tests.preloaded import context
from tests.waited import Waited


def organisations_on(url, folder):
    storage = PostgresqlStorage(url, FrozenClock(BEGIN), 6)
    organisations = Organisations(storage, folder / "snapshots", FrozenClock(BEGIN))

    async def close():
        await organisations.close()
        await storage.close()

    return Waited(organisations, close)


def die_in(url, folder, command, after):
    """Run a command in this process, which dies after so many statements on whole schemas, or at its end."""
    lease.LASTS, lease._RENEWED = 3, 0.3  # So nobody waits for long after the end of this process.
    count = 0
    execute = psycopg.Connection.execute

    def counted(connection, *arguments, **options):
        nonlocal count
        if "counters" in str(arguments[0]) or "SCHEMA" in str(arguments[0]):
            count += 1
            if count == after:
                os.kill(os.getpid(), signal.SIGKILL)
        return execute(connection, *arguments, **options)

    psycopg.Connection.execute = counted
    run(organisations_on(url, folder), command, folder)


def run(organisations, command, folder):
    if command == "reset":
        organisations.reset("acme")
    else:
        getattr(organisations, command)("acme", folder / "snap.db")


@pytest.mark.parametrize("after", [2, 9])
@pytest.mark.parametrize("command", ["restore", "reset", "snapshot"])
def test_a_killed_process_leaves_an_organisation_whole(database_url, tmp_path, command, after):
    organisations = organisations_on(database_url, tmp_path)
    row = organisations.create("acme", DEMO, sample=False)
    Opened(organisations.open(row.id)).add("Leads", {"Last_Name": "kept"})
    organisations.snapshot("acme", tmp_path / "snap.db")
    Opened(organisations.open(row.id)).add("Leads", {"Last_Name": "later"})
    process = context.Process(target=die_in, args=(database_url, tmp_path, command, after))
    process.start()
    process.join(120)
    assert process.exitcode in ({-signal.SIGKILL} if after == 2 else {-signal.SIGKILL, 0})
    organisations.forget()
    names = {2} if command == "snapshot" else {2, 1 if command == "restore" else 0}
    assert Opened(organisations.open(row.id)).count("Leads") in names
    run(organisations, command, tmp_path)  # Whatever was left is no hindrance.
    assert (
        Opened(organisations.open(row.id)).count("Leads")
        == {"restore": 1, "reset": 0, "snapshot": 2}[command]
    )
    with psycopg.connect(database_url) as connection:
        schemas = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'org%'").fetchall()
    assert len(schemas) == 1
    organisations.close()
