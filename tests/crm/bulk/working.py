"""A process that works on one bulk job: python -m tests.crm.bulk.working FOLDER ORGANISATION JOB [URL]"""

import asyncio
import sys
from pathlib import Path

from moorage.clock import FrozenClock
from moorage.crm.jobs import pace
from tests.crm.conftest import BEGIN
from tests.crm.folder import crm_in, crm_on_server


async def main(folder, organisation, job, url=None):
    """`url` is that of the database with the records, if they are not in the folder."""
    pace.CALLS = pace.LOOK = 0  # As slow as beside callers, so that there is time to kill it.
    clock = FrozenClock(BEGIN)
    service = crm_on_server(Path(folder), url, clock) if url else crm_in(Path(folder), clock)
    await service.bulk_jobs.run(int(organisation), int(job))
    await service.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
