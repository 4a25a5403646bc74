"""What only a Citus cluster can show (`script/try-citus`): an organisation moves between its nodes while in use."""

import asyncio
import json
import os
import re
import time

import psycopg
import pytest

from moorage.clock import SystemClock
from moorage.crm.metadata.shown import shape
from moorage.crm.storage.contract.organisations import Place
from moorage.crm.storage.contract.records import Order, StoreClosed, Window
from moorage.crm.storage.postgresql.schemas import PostgresqlSchemas
from moorage.crm.storage.postgresql.server import PostgresqlServer
from tests.contracts.organisation_storage import ONE, documents
from tests.postgresql import CLUSTER

PLACE = Place("acme", ONE)
OLDEST = [12, 1]  # The first one with `citus_schema_move`.


def run(sql, *params):
    with psycopg.connect(os.environ[CLUSTER], autocommit=True) as connection:
        return connection.execute(sql, params).fetchall()


def _numbers(version):
    """A version such as 12.1-1."""
    return [int(number) for number in re.findall(r"\d+", version)]


def test_the_cluster_shards_schemas_and_has_workers():
    versions = run("SELECT extversion FROM pg_extension WHERE extname = 'citus'")
    assert versions, "The database has no Citus: CREATE EXTENSION citus."
    assert _numbers(versions[0][0]) >= OLDEST, (
        f"It has Citus {versions[0][0]}; 12.1 or a newer one is needed."
    )
    [(level,)] = run("SELECT current_setting('wal_level')")
    assert level == "logical", "Set wal_level = logical in the configuration of all nodes."
    [(is_on,)] = run("SELECT current_setting('citus.enable_schema_based_sharding', true)")
    assert is_on == "on", "Set citus.enable_schema_based_sharding = on in the configuration of all nodes."
    workers = run("SELECT nodename FROM pg_dist_node WHERE noderole = 'primary' AND shouldhaveshards")
    assert len(workers) >= 2, "A cluster needs two nodes with shards: SELECT citus_add_node(host, port)."


@pytest.fixture
def schemas(new_database):
    server = PostgresqlServer(new_database())
    yield PostgresqlSchemas(lambda _: server, SystemClock())
    server.close()


def test_an_organisation_moves_to_another_node_while_it_is_read_and_written(schemas):
    schemas.make(PLACE, documents(ONE), None)
    [(node, port)] = run(
        "SELECT nodename, nodeport FROM citus_shards WHERE table_name::text LIKE 'org_7243485.counters'"
    )
    others = run(
        "SELECT nodename, nodeport FROM pg_dist_node"
        " WHERE noderole = 'primary' AND shouldhaveshards AND (nodename, nodeport) <> (%s, %s)",
        node,
        port,
    )
    acknowledged, waits = asyncio.run(_moved_in_use(schemas, *others[0]))
    print(f"{len(acknowledged)} records, the longest write took {max(waits) * 1000:.0f} ms")
    [after] = run(
        "SELECT nodename, nodeport FROM citus_shards WHERE table_name::text LIKE 'org_7243485.counters'"
    )
    assert after == others[0]


class InUse:
    """The organisation, read and written, and opened again when its store is closed."""

    def __init__(self, schemas) -> None:
        self._schemas = schemas
        self._organisation = schemas.open(PLACE)
        self.acknowledged, self.waits = [], []

    @property
    def _leads(self):
        return self._organisation.catalog.modules["Leads"]

    async def again(self, call):
        while True:
            try:
                return await call()
            except StoreClosed:
                self._organisation = await asyncio.to_thread(self._schemas.open, PLACE)

    async def write(self):
        def insert(tx):
            ids, name = list(tx.new_ids(5)), self._leads.display.column
            tx.insert(self._leads, [{"id": record, name: "Cruz"} for record in ids])
            return ids

        began = time.monotonic()
        self.acknowledged += await self.again(lambda: self._organisation.store.write(insert))
        self.waits.append(time.monotonic() - began)

    async def read(self, offset=0):
        """The ids of a page."""

        def page():
            order = Order(self._leads.fields["id"], descending=False)
            shown = shape(self._leads, ("Last_Name",))
            return self._organisation.store.page(self._leads, shown, (), order, Window(200, offset))

        return {int(record["id"]) for record in json.loads((await self.again(page)).data)}

    def close(self):
        self._organisation.store.close()


async def _moved_in_use(schemas, host, port):
    used, is_over = InUse(schemas), asyncio.Event()

    async def repeat(call):
        while not is_over.is_set():
            await call()

    async def move():
        await asyncio.sleep(1)
        sql = "SELECT citus_schema_move('org_7243485', %s, %s, 'force_logical')"
        await asyncio.to_thread(run, sql, host, port)
        await asyncio.sleep(1)
        is_over.set()

    async with asyncio.timeout(600), asyncio.TaskGroup() as group:
        for task in (repeat(used.write), repeat(used.read), move()):
            group.create_task(task)
    found = set()
    for offset in range(0, len(used.acknowledged) + 200, 200):
        found |= await used.read(offset)
    used.close()
    assert set(used.acknowledged) == found
    return used.acknowledged, used.waits
