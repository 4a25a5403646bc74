import pytest

from moorage.crm.blueprint import DEMO
from moorage.crm.organisations import Organisations
from tests.contracts.record_store import RecordStoreContract


class TestSqliteRecordStore(RecordStoreContract):
    @pytest.fixture
    def organisation(self, tmp_path, clock):
        organisations = Organisations(tmp_path, clock)
        row = organisations.create("acme", DEMO, sample=False)
        yield organisations.open(row.id)
        organisations.close()


def test_two_processes_may_write_one_file(tmp_path, clock):
    """Two stores on one file, as two workers have, give ids and rows that never collide."""
    import asyncio

    first, second = Organisations(tmp_path, clock), Organisations(tmp_path, clock)
    row = first.create("acme", DEMO, sample=False)
    stores = [first.open(row.id), second.open(row.id)]
    leads = stores[0].catalog.modules["Leads"]

    def job(transaction):
        (record,) = transaction.new_ids(1)
        transaction.insert(leads, [{"id": record, leads.fields["Last_Name"].column: "x"}])
        return record

    async def together():
        return await asyncio.gather(*(stores[n % 2].store.write(job) for n in range(100)))

    ids = asyncio.run(together())
    assert len(set(ids)) == 100
    first.close()
    second.close()


def test_times_beyond_the_written_periods_are_shown_right(clock):
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    import apsw

    from moorage.crm.store.projection import time_expression, zoned

    for name in ("America/Los_Angeles", "Asia/Kolkata", "UTC", "Australia/Lord_Howe", "Africa/Casablanca"):
        zone = ZoneInfo(name)
        connection = apsw.Connection("")
        connection.create_scalar_function("zoned", lambda t, zone=zone: zoned(zone, t), 1)
        sql = f"SELECT {time_expression(zone, clock.now())('v.t')} FROM (SELECT ? AS t) v"
        for timestamp in range(0, 2_200_000_000, 4_999_999):
            shown = connection.execute(sql, (timestamp,)).get
            assert shown == datetime.fromtimestamp(timestamp, UTC).astimezone(zone).isoformat()
