"""The files of a backup, all of one moment: zips with a table for each module, and zips with what is attached.

A table is a file of CSV with every field, as a bulk read gives it, so that a bulk write can read it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from moorage.crm.jobs import store as jobs
from moorage.crm.jobs.backup_model import KIND
from moorage.crm.jobs.columns import ID, readable_fields
from moorage.crm.jobs.pace import Pace
from moorage.crm.jobs.threads import in_thread
from moorage.crm.jobs.zipped import StoredZip
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.shown import shape
from moorage.crm.records.attachments import MODULE as ATTACHMENTS
from moorage.crm.storage.contract.files import StoredFile
from moorage.crm.storage.contract.lines import Column
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Ids, Order, RecordStore, Window
from moorage.crm.wire.call import settled

LONGEST = 1024 * 1024 * 1024  # Bytes of a zip after which another one begins [Z download-backup].
LINES = 1_000  # Records that are read at a time.
FILES = 100  # Files whose owners are looked at together.
_PHOTO = "Record_Image"


class Written(Struct, frozen=True):
    name: str
    zipped: StoredZip


class Zips:
    """Zips of one kind, each with a name that has its number."""

    def __init__(self, store: RecordStore, kind: str, longest: int) -> None:
        self._store = store
        self._kind = kind
        self._longest = longest
        self.written: list[Written] = []

    @property
    def is_full(self) -> bool:
        return bool(self.written) and self.written[-1].zipped.length >= self._longest

    async def begin(self, name: str) -> StoredZip:
        """Begin a file, in another zip if the last one is full."""
        if not self.written or self.is_full:
            await self.finish()
            self.written.append(
                Written(f"{self._kind}_{len(self.written) + 1:03}.zip", StoredZip(self._store))
            )
        zipped = self.written[-1].zipped
        zipped.begin(name)
        return zipped

    async def finish(self) -> None:
        if self.written:
            await self.written[-1].zipped.finish()


async def written(organisation: Organisation) -> list[Written]:
    """Writes the contents of all zips, which then have to be added as files."""
    data = Zips(organisation.store, "Data", LONGEST)
    attachments = Zips(organisation.store, "Attachments", LONGEST)
    async with organisation.store.moment() as then:
        pace = Pace()
        zipped = await data.begin("Metadata.json")
        await zipped.write(await in_thread(_metadata, organisation))
        for module in organisation.catalog.modules.values():
            await _write_table(then, data, module, pace)
        await _write_files(organisation, then, data, attachments, pace)
    for zips in (data, attachments):
        await zips.finish()
    return [*data.written, *attachments.written]


async def _write_table(then: RecordStore, data: Zips, module: Module, pace: Pace) -> None:
    fields = [field for field in readable_fields(module) if field.storage != "id"]
    columns = [Column(module.fields["id"]), *map(Column, fields)]
    head = ",".join([ID, *(field.api_name for field in fields)]).encode() + b"\r\n"
    after: int | None = 0
    number = 0
    while after is not None:
        number += 1
        zipped = await data.begin(f"Data/{module.api_name}_{number:03}.csv")
        await zipped.write(head)
        after = await _write_lines(then, data, zipped, module, columns, after, pace)


async def _write_lines(
    then: RecordStore,
    data: Zips,
    zipped: StoredZip,
    module: Module,
    columns: list[Column],
    after: int,
    pace: Pace,
) -> int | None:
    """The id behind which the next table begins, because the zip is full; None after the last record."""
    while True:
        lines = await then.lines(module, columns, [], after, LINES)
        if lines.last is None:
            return None
        await zipped.write(lines.data)
        await pace.pause()
        after = lines.last
        if data.is_full:
            return after


async def _write_files(
    organisation: Organisation, then: RecordStore, data: Zips, attachments: Zips, pace: Pace
) -> None:
    last = 0
    while files := await then.files.owned_after(last, FILES):
        owners = await _owners(organisation, then, files)
        for file in files:
            owner = owners.get(file.owner or 0, _Owner())
            if owner.is_backup:
                continue
            name = file.name.replace("/", "_").replace("\\", "_")
            if file.key == owner.photo:
                await _write_file(then, data, f"Photos/{file.owner}_{name}", file, pace)
            elif owner.is_attachment:
                await _write_file(then, attachments, f"Attachments/{file.owner}_{name}", file, pace)
            else:  # A record may have several of the same name; the table has the key of each.
                await _write_file(then, attachments, f"Files/{file.owner}_{file.key}_{name}", file, pace)
        last = files[-1].id


async def _write_file(then: RecordStore, zips: Zips, name: str, file: StoredFile, pace: Pace) -> None:
    if file.content is None:
        zipped = await zips.begin(f"{name}.url")
        await zipped.write((file.link or "").encode())
        return
    zipped = await zips.begin(name)
    async for part in then.files.parts(file.content):
        await zipped.write(part)
        await pace.pause()


class _Owner(Struct, frozen=True):
    """What is known of the owner of files. `photo` is the key of its photo."""

    photo: str | None = None
    is_attachment: bool = False
    is_backup: bool = False


async def _owners(
    organisation: Organisation, then: RecordStore, files: Iterable[StoredFile]
) -> Mapping[int, _Owner]:
    ids = tuple({file.owner for file in files if file.owner is not None})
    owners: dict[int, _Owner] = {}
    for module in organisation.catalog.modules.values():
        if module.api_name == ATTACHMENTS:
            found = await _records(then, module, ids, [])
            owners |= {int(record["id"]): _Owner(is_attachment=True) for record in found}
        elif _PHOTO in module.fields:
            found = await _records(then, module, ids, [_PHOTO])
            owners |= {int(record["id"]): _Owner(record[_PHOTO]) for record in found}
    for identity in ids:
        if identity not in owners:
            companion = then.companion(jobs.KIND, identity)
            job = await settled(companion)
            owners[identity] = _Owner(is_backup=job is not None and job.body["kind"] == KIND)
    return owners


async def _records(
    then: RecordStore, module: Module, ids: tuple[int, ...], fields: list[str]
) -> list[dict[str, Any]]:
    order = Order(module.fields["id"], descending=False)
    page = then.page(module, shape(module, fields), [Ids(ids)], order, Window(len(ids)))
    result = await settled(page)
    records: list[dict[str, Any]] = msgspec.json.decode(result.data)
    return records


def _metadata(organisation: Organisation) -> bytes:
    """What the tables do not say: the organisation, its users, and what each module and field is."""
    modules = [
        {
            "api_name": module.api_name,
            "id": str(module.id),
            "fields": [field.body for field in organisation.metadata.all("field", module.id)],
        }
        for module in organisation.catalog.modules.values()
    ]
    users = [user.body for user in organisation.metadata.all("user")]
    return msgspec.json.encode({"org": organisation.metadata.org, "users": users, "modules": modules})
