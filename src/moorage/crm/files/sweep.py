"""Removes what nobody needs any more, in small steps, so that writers wait for none of them for long."""

from moorage.crm.storage.contract.records import RecordStore

EVERY = 300.0  # Seconds between two looks.
STEP = 8  # Files, or parts, that one transaction removes.


async def sweep(store: RecordStore, now: int) -> None:
    """Remove what is due. Most often it is nothing, and nothing is written."""
    while await store.files.has_due(now):
        await store.write(lambda transaction: transaction.files.sweep(STEP))
    await store.files.tidy()
