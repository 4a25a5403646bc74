"""A process that works on one bulk job: python -m tests.crm.bulk.working FOLDER ORGANISATION JOB"""

import asyncio
import sys
from pathlib import Path

from moorage.clock import FrozenClock
from tests.crm.conftest import BEGIN
from tests.crm.folder import crm_in


async def main(folder, organisation, job):
    service = crm_in(Path(folder), FrozenClock(BEGIN))
    await service.bulk_jobs.run(int(organisation), int(job))
    await service.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
