"""Many leads and many calls, written into a data folder whose server is stopped: by the store's own parts, at once."""

import asyncio
import time
from contextlib import closing

import msgspec
import sqlalchemy as sa

from benchmarks.data import organisations_in
from moorage.clock import SystemClock
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.storage.columns import columns_of
from moorage.crm.storage.sqlite.readers import connect, transaction
from moorage.crm.storage.sqlite.transaction import SqliteTransaction
from moorage.requests import store
from moorage.requests.blocks import Called, NewBlock
from moorage.requests.notes import LONGEST_SHEET, Caller, Ending

LEADS, CALLS = 200_000, 100_000  # Of the leads, some are sample records.
TOWN = 2_000  # One of so many leads lives in Rareton.
_PRIME = 1_000_003  # Higher than the number of leads, so that no two have the same revenue.
FAILED = 10  # One of so many calls failed.
TEAPOTS = (12_345, 67_890)  # The calls that were answered with 418.
_SPAN = 45 * 60  # Seconds that the calls took. The page of calls shows an hour.


def last_name(number):
    return f"Many{number:06}"


def revenue(number):
    return number * 7919 % _PRIME


def request_id(number):
    return f"many-{number:06}"


def add_leads(crm_folder):
    """Add leads like the oldest one, but for their texts, until there are LEADS. Gives how many these are."""

    async def opened():
        async with organisations_in(crm_folder, SystemClock()) as organisations:
            [row] = await organisations.list()
            return row, (await organisations.open(row.id)).catalog

    row, catalog = asyncio.run(opened())
    module = catalog.modules["Leads"]
    column = {name: field.column for name, field in module.fields.items()}
    values = {"id": "? + n"} | {field.column: "NULL" for field in module.full_text}
    values |= {
        column["Last_Name"]: "printf('Many%06d', n)",
        column["City"]: f"CASE WHEN n % {TOWN} = 0 THEN 'Rareton' ELSE 'Manytown' END",
        column["Annual_Revenue"]: f"n * 7919 % {_PRIME}",
    }
    columns = columns_of(module)
    insert = (
        f"INSERT INTO {module.table} ({', '.join(columns)})"
        f" WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?)"
        f" SELECT {', '.join(values.get(column, column) for column in columns)}"
        f" FROM numbers, (SELECT * FROM {module.table} ORDER BY id LIMIT 1)"
    )
    with closing(connect(crm_folder / "orgs" / f"{row.slug}.db")) as connection, transaction(connection):
        added = LEADS - connection.execute(f"SELECT COUNT(*) FROM {module.table}").get
        changes = SqliteTransaction(connection, catalog, row.id // ID_SPACE, int(time.time()))
        ids = changes.new_ids(added)
        connection.execute(insert, (added, ids[0]))
        changes.index_text(module, set(ids))
        changes.finish()
    return added


def add_calls(file, account, connection):
    """Add calls, the oldest first, as the log's writer does. Gives when the last of them began, in seconds."""
    caller = Caller(account, "key_00000000-0000", "zoho-crm", connection, "embedded")
    called = [Called(caller, b"GET", b"/crm/v8/Leads?page=%d" % page) for page in range(20)]
    now, engine = time.time(), sa.create_engine(f"sqlite:///{file}")
    with engine.begin() as opened:
        for first in range(0, CALLS, LONGEST_SHEET):
            numbers = range(first, first + LONGEST_SHEET)
            order = [number % len(called) for number in numbers]
            content = {"called": called, "order": order, "endings": [_ending(number) for number in numbers]}
            block = NewBlock(account, len(numbers), msgspec.msgpack.encode(content))
            # The clock of these moments stood at 0 now: they are seconds before it.
            store.add(int((now - _ago(numbers[-1])) * 1_000_000), int(now * 1_000_000), [block], opened)
    engine.dispose()
    return now - _ago(CALLS - 1)


def _ago(number):
    return _SPAN * (1 - number / CALLS)


def _ending(number):
    status = 418 if number in TEAPOTS else 500 if number % FAILED == 0 else 200
    ago = _ago(number)
    began, ended = -ago, -ago + 0.021
    return Ending(began, ended, status, request_id(number).encode(), 900, 0, ended - 0.001, began + 0.001)
