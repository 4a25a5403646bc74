"""A bulk read: records as CSV, or events as a calendar, in a zip [Z bulk-read].

Records come by id, in parts of their own statement each. So a record that is added or changed meanwhile is in the file
or not, but none is in it twice, and none is left out that was there all the time.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from moorage.crm.faults import Fault
from moorage.crm.jobs.model import BulkJob, JobFailed, Progress, Step
from moorage.crm.jobs.pace import Pace
from moorage.crm.jobs.readings import CsvReading, IcsReading, Reading
from moorage.crm.jobs.zipped import StoredZip
from moorage.crm.metadata.custom.views import is_seen
from moorage.crm.metadata.ids import MAX_ID
from moorage.crm.metadata.shown import shape
from moorage.crm.query.bulk_criteria import bulk_conditions
from moorage.crm.query.compare import Context
from moorage.crm.query.view_criteria import view_conditions
from moorage.crm.records.access import visible_to
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Filter, Order, Transaction, Window
from moorage.crm.wire.call import settled

KIND = "bulk read"
PER_PAGE = {"csv": 200_000, "ics": 20_000}  # Records of one page.
AT_ONCE = 1_000  # Records of one statement.


class ReadRequest(Struct, frozen=True, omit_defaults=True):
    """What is to be read. `after` is the id behind which the page begins, if it was asked for by a token."""

    module: str
    fields: list[str] | None = None
    criteria: Any = None
    cvid: int | None = None
    page: int = 1
    after: int | None = None
    file_type: str = "csv"


class ReadResult(Struct, frozen=True):
    """`key` leads to the file, which is kept for a day. `last` is the id of its last record."""

    key: str
    count: int
    more: bool
    last: int


def reading_of(organisation: Organisation, request: ReadRequest, filters: list[Filter]) -> Reading:
    """Raises the Fault of fields that can not be read."""
    module = organisation.catalog.modules[request.module]
    if request.file_type == "ics":
        return IcsReading(organisation, module, filters)
    return CsvReading(organisation, module, request.fields, filters)


def filters_of(organisation: Organisation, user: int, request: ReadRequest, at: float) -> list[Filter]:
    """Raises the Fault of criteria, or of a view, that can not be used."""
    module = organisation.catalog.modules[request.module]
    context = Context(organisation.zone, datetime.fromtimestamp(at, UTC), user, organisation.catalog)
    filters = visible_to(organisation, user, module)
    if request.cvid is not None:
        view = organisation.metadata.find("custom_view", request.cvid)
        is_hidden = view is None or not is_seen(organisation.metadata, view, user)
        if view is None or is_hidden or view.module != module.id:
            raise Fault(
                400, "CVID_NOT_SUPPORTED", "There is no such custom view.", {"cvid": str(request.cvid)}
            )
        checked = view_conditions(view.body.get("criteria"), module, context)
        filters += [] if checked is None else [checked]
    if request.criteria is not None:
        filters.append(bulk_conditions(request.criteria, module, context))
    return filters


class BulkRead:
    """Has one step. Who breaks off leaves parts of a file, which are swept after a day, and begins again."""

    async def step(self, organisation: Organisation, job: BulkJob) -> Step:
        request = msgspec.convert(job.request, ReadRequest)
        try:
            filters = filters_of(organisation, job.user, request, job.created)
            reading = reading_of(organisation, request, filters)
        except Fault as fault:  # The metadata have changed since it was asked for.
            raise JobFailed({"error": {**fault.document(), "status": fault.status}}) from None
        first = (
            request.after if request.after is not None else await _before_page(organisation, request, filters)
        )
        zipped = StoredZip(organisation.store)
        zipped.begin(f"{job.id}.{request.file_type}")
        count, last = await _write(reading, zipped, first, PER_PAGE[request.file_type])
        is_full = count == PER_PAGE[request.file_type]
        more = is_full and (await reading.part(last, 1)).count > 0

        def step(transaction: Transaction) -> Progress:
            file = zipped.add(transaction, f"{job.id}.zip", job.user)
            result = ReadResult(file.key, count, more, last)
            return Progress(msgspec.to_builtins(result), is_last=True)

        return step

    async def close(self) -> None:
        """Nothing is held."""


async def _write(reading: Reading, zipped: StoredZip, after: int, limit: int) -> tuple[int, int]:
    """How many records were written, and the id of the last."""
    count, pace = 0, Pace()
    await zipped.write(reading.head)
    while count < limit:
        lines = await reading.part(after, min(AT_ONCE, limit - count))
        if lines.last is None:
            break
        await zipped.write(lines.data)
        count, after = count + lines.count, lines.last
        await pace.pause()
    await zipped.write(reading.tail)
    await zipped.finish()
    return count, after


async def _before_page(organisation: Organisation, request: ReadRequest, filters: list[Filter]) -> int:
    """The id behind which the page begins."""
    if request.page == 1:
        return 0
    module = organisation.catalog.modules[request.module]
    window = Window(1, offset=(request.page - 1) * PER_PAGE[request.file_type])
    order = Order(module.fields["id"], descending=False)
    result = organisation.store.page(module, shape(module, []), filters, order, window)
    page = await settled(result)
    return page.first.id - 1 if page.first is not None else MAX_ID
