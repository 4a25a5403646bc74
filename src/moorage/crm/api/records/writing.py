"""What all writes of records share: the records of the body, the change in a transaction, and the answer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from moorage.crm.api.items import outcomes_answer
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.records.changes import Change
from moorage.crm.records.outcomes import Outcome
from moorage.crm.records.prepare import Prepared
from moorage.crm.records.reading import since_header
from moorage.crm.records.within import Within
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.body import records_of
from moorage.crm.wire.call import Call
from moorage.crm.wire.members import MAX_RECORDS
from moorage.http.message import Response

Prepare: TypeAlias = Callable[[Catalog, Module, Sequence[Any]], list[Prepared]]

_IN_THE_LOOP = 10  # Reading so many records takes less time than waiting for a thread.


async def prepared_records(
    call: Call, module: Module, prepare: Prepare, *, maximum: int = MAX_RECORDS
) -> tuple[list[Prepared], dict[str, Any]]:
    """The records of the body, read and checked, and the body. Many records are read outside the event loop."""
    records, body = await records_of(call, maximum)
    catalog = call.organisation.catalog
    if len(records) <= _IN_THE_LOOP:
        return prepare(catalog, module, records), body
    return await asyncio.to_thread(prepare, catalog, module, records), body


async def write(
    call: Call,
    module: Module,
    run: Callable[[Change], list[Outcome]],
    *,
    done: int = 200,
    within: Within | None = None,
) -> Response:
    return outcomes_answer("data", await outcomes_of(call, module, run, within), done=done)


def outcomes_of(
    call: Call, module: Module, run: Callable[[Change], list[Outcome]], within: Within | None = None
) -> Awaitable[list[Outcome]]:
    unmodified_since = since_header(call, b"if-unmodified-since")
    user, rows_are_whole = call.caller.user, call.rules.rows_are_whole

    def job(transaction: Transaction) -> list[Outcome]:
        return run(
            Change(
                call.organisation,
                module,
                user,
                transaction,
                unmodified_since,
                rows_are_whole=rows_are_whole,
                within=within,
            )
        )

    return call.store.write(job)
