"""A bulk write: rows of CSV files become records, by the same rules as those that the API is sent [Z bulk-write].

First the files are read to their end, so that nothing is written of a file that can't be read. Then some rows at a time
are written: in one transaction with what became of each of them, and with the number of the next row.
"""

import zipfile
from collections.abc import Sequence
from contextlib import closing
from functools import partial

import msgspec

from moorage.crm.jobs.cells import bare
from moorage.crm.jobs.csv_files import MOST_ROWS, CsvFile, Unreadable, names_in
from moorage.crm.jobs.lookups import Lookups, Parents
from moorage.crm.jobs.model import BulkJob, JobFailed, Progress, Step
from moorage.crm.jobs.pace import Pace
from moorage.crm.jobs.part_writing import Parts
from moorage.crm.jobs.row_plans import RowPlan
from moorage.crm.jobs.row_writing import prepare, write_rows
from moorage.crm.jobs.threads import in_thread
from moorage.crm.jobs.uploads import Uploads
from moorage.crm.jobs.write_model import FileProgress, Resource, RowResult, WriteProgress, WriteRequest
from moorage.crm.jobs.write_results import ROWS, result_zip, results_of
from moorage.crm.records.changes import Change
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction

AT_ONCE = 200  # Rows of one transaction.
_COUNTED_AT_ONCE = 1_000


class BulkWrite:
    """Keeps the file that it reads for the next step."""

    def __init__(self) -> None:
        self._uploads = Uploads()
        self._reading: _Reading | None = None
        self._known_parents: dict[tuple[str, int], dict[str, int]] = {}

    async def step(self, organisation: Organisation, job: BulkJob) -> Step:
        request = msgspec.convert(job.request, WriteRequest)
        if job.progress is None:
            return await self._count(organisation, request)
        progress = msgspec.convert(job.progress, WriteProgress)
        if progress.at == len(progress.files):
            return await self._finish(organisation, job, request, progress)
        return await self._write(organisation, job, request, progress)

    async def close(self) -> None:
        self._leave()
        self._uploads.close()

    async def _count(self, organisation: Organisation, request: WriteRequest) -> Step:
        """The first step: which files there are, and how many rows each has."""
        files: list[FileProgress] = []
        for number, resource in enumerate(request.resources):
            opened = await self._uploads.open(organisation, resource.key)
            try:
                names = names_in(opened, resource.names)
            except Unreadable as error:
                files.append(FileProgress(number, "", code=error.code))
                continue
            counted = [await _counted(opened, FileProgress(number, name), request.encoding) for name in names]
            files += counted
        return lambda _: Progress(msgspec.to_builtins(WriteProgress(files)))

    async def _write(
        self, organisation: Organisation, job: BulkJob, request: WriteRequest, progress: WriteProgress
    ) -> Step:
        file = progress.files[progress.at]
        reading = await self._read(organisation, job, request, progress) if file.is_readable else None
        rows = await in_thread(reading.file.take, AT_ONCE) if reading is not None else []
        if reading is None or not rows:
            progress.at, progress.row = progress.at + 1, 0
            return lambda _: Progress(msgspec.to_builtins(progress))
        at, operation = progress.at, request.operation
        reading.row += len(rows)
        found = await reading.lookups.find(rows)
        records = await in_thread(reading.plan.records, rows, found)
        module, are_parts = reading.module, reading.module.is_part
        prepared = (
            [] if are_parts else await in_thread(prepare, organisation.catalog, module, operation, records)
        )

        def step(transaction: Transaction) -> Progress:
            if are_parts:
                results = Parts(organisation, module, job.user, transaction).write(records)
            else:
                change = Change(organisation, module, job.user, transaction)
                results = write_rows(change, transaction, module, operation, reading.find_by, prepared)
            body = msgspec.to_builtins(results)
            rows_of_file = Companion(transaction.new_ids(1)[0], ROWS, owner=job.id, name=str(at), body=body)
            transaction.companions.put([rows_of_file])
            _add_up(file, results)
            progress.row += len(rows)
            return Progress(msgspec.to_builtins(progress))

        return step

    async def _read(
        self, organisation: Organisation, job: BulkJob, request: WriteRequest, progress: WriteProgress
    ) -> "_Reading":
        """The file whose rows are next, at the next row."""
        reading = self._reading
        if (
            reading is None
            or reading.organisation is not organisation
            or (reading.at, reading.row) != (progress.at, progress.row)
        ):
            self._leave()
            resource = request.resources[progress.files[progress.at].resource]
            opened = await self._uploads.open(organisation, resource.key)
            file = CsvFile(opened, progress.files[progress.at].name, request.encoding)
            await in_thread(file.skip, progress.row)
            parents = partial(self._parents, organisation, job, request, progress)
            reading = self._reading = _Reading(
                organisation, resource, file, parents, progress.at, progress.row
            )
        return reading

    async def _parents(
        self,
        organisation: Organisation,
        job: BulkJob,
        request: WriteRequest,
        progress: WriteProgress,
        module: str,
        column: int,
    ) -> dict[str, int]:
        """By text in a column, the records of a module that came from the rows of files before this one."""
        if (module, column) not in self._known_parents:
            known = self._known_parents[module, column] = {}
            for at, file in enumerate(progress.files[: progress.at]):
                resource = request.resources[file.resource]
                if resource.module == module and file.is_readable:
                    opened = await self._uploads.open(organisation, resource.key)
                    with closing(CsvFile(opened, file.name, request.encoding)) as rows:
                        _, results = await results_of(organisation, job.id, at)
                        known |= await in_thread(_ids_by_text, rows, column, results)
        return self._known_parents[module, column]

    def _leave(self) -> None:
        if self._reading is not None:
            self._reading.file.close()
            self._reading = None

    async def _finish(
        self, organisation: Organisation, job: BulkJob, request: WriteRequest, progress: WriteProgress
    ) -> Step:
        """The last step: the result, in the place of what was kept of each row."""
        if not any(file.is_readable for file in progress.files):
            raise JobFailed(msgspec.to_builtins(progress))
        zipped, kept = await result_zip(organisation, job, request, progress, self._uploads)

        def step(transaction: Transaction) -> Progress:
            progress.key = zipped.add(transaction, f"{job.id}.zip", job.user).key
            transaction.companions.remove(kept)
            return Progress(msgspec.to_builtins(progress), is_last=True)

        return step


class _Reading:
    """One file as it is read: `row` is the number of the next row."""

    def __init__(
        self,
        organisation: Organisation,
        resource: Resource,
        file: CsvFile,
        parents: Parents,
        at: int,
        row: int,
    ) -> None:
        self.organisation = organisation
        self.file = file
        self.at = at
        self.row = row
        self.module = organisation.catalog.modules[resource.module]
        by_value = resource.find_by is not None and resource.find_by != "id"
        self.find_by = self.module.fields[resource.find_by or ""] if by_value else None
        self.plan = RowPlan(organisation, self.module, resource, file.headings)
        self.lookups = Lookups(organisation, self.plan, parents)


def _ids_by_text(file: CsvFile, column: int, results: Sequence[RowResult]) -> dict[str, int]:
    """By what rows have in a column, the ids of their records."""
    ids: dict[str, int] = {}
    left = iter(results)
    while rows := file.take(_COUNTED_AT_ONCE):
        for row, (_, record, _) in zip(rows, left, strict=False):
            if record and column < len(row):
                ids[bare(row[column])] = int(record)
    return ids


async def _counted(opened: zipfile.ZipFile, file: FileProgress, encoding: str) -> FileProgress:
    """A file with the number of its rows, or with why it can't be read."""
    pace = Pace()
    try:
        with closing(await in_thread(CsvFile, opened, file.name, encoding)) as rows:
            while count := await in_thread(rows.skip, _COUNTED_AT_ONCE):
                file.total += count
                if file.total > MOST_ROWS:
                    return FileProgress(file.resource, file.name, code="LIMIT_EXCEEDED")
                await pace.pause()
    except Unreadable as error:
        return FileProgress(file.resource, file.name, code=error.code)
    return file


def _add_up(file: FileProgress, results: Sequence[RowResult]) -> None:
    statuses = [status for status, _, _ in results]
    file.added += statuses.count("ADDED")
    file.updated += statuses.count("UPDATED")
    file.skipped += statuses.count("SKIPPED")
