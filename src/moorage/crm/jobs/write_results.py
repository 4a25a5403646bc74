"""The result of a bulk write: for each file, its rows with what became of them, in a zip [Z bulk-write]."""

import csv
import io
from collections.abc import Sequence
from contextlib import closing
from pathlib import PurePosixPath

import msgspec

from moorage.crm.jobs.csv_files import CsvFile
from moorage.crm.jobs.model import BulkJob
from moorage.crm.jobs.row_plans import RowPlan
from moorage.crm.jobs.threads import in_thread
from moorage.crm.jobs.uploads import Uploads
from moorage.crm.jobs.write_model import RowResult, WriteProgress, WriteRequest
from moorage.crm.jobs.zipped import StoredZip
from moorage.crm.storage.contract.companions import CompanionsOf
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Window
from moorage.crm.wire.call import settled

ROWS = "rows of a bulk write"
HEADINGS = ("STATUS", "RECORD_ID", "ERRORS")
_AT_ONCE = 1_000  # Rows that are written together.
NOT_PROCESSED: RowResult = ("UNPROCESSED", "", "")


async def results_of(organisation: Organisation, job: int, at: int) -> tuple[list[int], list[RowResult]]:
    """The ids of the companions with the results of a file, and the results, in the order of the rows."""
    ids: list[int] = []
    results: list[RowResult] = []
    while True:
        which = CompanionsOf(ROWS, owner=job, name=str(at))
        found = organisation.store.companions(which, Window(50, offset=len(ids)))
        page = await settled(found)
        for companion in page.companions:
            ids.append(companion.id)
            results += msgspec.convert(companion.body, list[RowResult])
        if not page.more:
            return ids, results


async def result_zip(
    organisation: Organisation, job: BulkJob, request: WriteRequest, progress: WriteProgress, uploads: Uploads
) -> tuple[StoredZip, list[int]]:
    """The zip, which still has to be added, and the ids of the companions that it stands for."""
    zipped, kept = StoredZip(organisation.store), list[int]()
    for at, file in enumerate(progress.files):
        if not file.is_readable:
            continue
        resource = request.resources[file.resource]
        module = organisation.catalog.modules[resource.module]
        opened = await uploads.open(organisation, resource.key)
        with closing(await in_thread(CsvFile, opened, file.name, request.encoding)) as rows:
            plan = RowPlan(organisation, module, resource, rows.headings)
            ids, results = await results_of(organisation, job.id, at)
            kept += ids
            zipped.begin(_name(progress, at))
            await zipped.write(_lines([[*plan.first_three(rows.headings), *HEADINGS]]))
            left = iter(results)
            while taken := await in_thread(rows.take, _AT_ONCE):
                lines = [[*plan.first_three(row), *next(left, NOT_PROCESSED)] for row in taken]
                await zipped.write(await in_thread(_lines, lines))
    await zipped.finish()
    return zipped, kept


def _name(progress: WriteProgress, at: int) -> str:
    """The name of a file's result: its own, without folders, and its number if there are several files."""
    name = PurePosixPath(progress.files[at].name).name
    return name if len(progress.files) == 1 else f"{at + 1}_{name}"


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8", "replace")
