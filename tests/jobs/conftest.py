"""A control database, and jobs in it."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from moorage.clock import FrozenClock
from moorage.jobs.service import Jobs
from moorage.storage import Database
from tests.control_database import control_in_postgresql, control_url, shared_control_database  # noqa: F401

NOW = datetime(2026, 2, 7, tzinfo=UTC)


class Place:
    """A database with jobs, and a clock that stands still."""

    def __init__(self, url):
        self.clock = FrozenClock(NOW)
        self.database = Database(url, self.clock)
        self.jobs = Jobs(self.database)

    async def put(self, kind, payload=None, subject=None):
        async with self.database.transaction() as tx:
            return await self.jobs.put(tx, kind, payload, subject)

    async def rows(self, columns="kind"):
        async with self.database.reading() as tx:
            return [
                tuple(row)
                for row in await tx.connection.exec_driver_sql(f"SELECT {columns} FROM jobs ORDER BY id")
            ]


@asynccontextmanager
async def opened(url):
    place = Place(url)
    try:
        yield place
    finally:
        await place.database.close()


@pytest.fixture
def scene(control_url):  # noqa: F811
    """Runs an asynchronous function with a `Place`."""

    def run(act):
        async def main():
            async with opened(control_url) as place:
                return await act(place)

        return asyncio.run(main())

    return run
