"""A process that inserts leads until it is killed, and tells the id of each that was acknowledged."""

import asyncio
import sys

from moorage.clock import SystemClock
from moorage.crm.storage.contract.records import StoreClosed
from tests.crm.storage.postgresql.opening import Processes

WRITERS = 8


async def insert_forever(processes, here) -> None:
    def job(transaction):
        (record,) = transaction.new_ids(1)
        (number,) = transaction.next_numbers(here.module("Quotes").fields["Quote_Number"], 1)
        row = here.row("Leads", record, Last_Name="kept", No_of_Employees=number)
        transaction.insert(here.module("Leads"), [row])
        return record

    while True:
        try:
            print(await here.store.write(job), flush=True)
        except StoreClosed:
            here = processes.open()


async def main() -> None:
    processes = Processes(sys.argv[1], SystemClock())
    here = processes.open()
    print("ready", flush=True)
    await asyncio.gather(*(insert_forever(processes, here) for _ in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main())
