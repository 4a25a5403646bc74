"""Fields for files and images: their rows are JSON in the record, and each names a file that the record owns.

A row without an id adds a file that was uploaded before. One with an id stays, or goes if it has `_delete`; rows
that are not named stay. An empty array removes all of them.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field
from moorage.crm.metadata.times import zoned
from moorage.crm.records.batch import Batch
from moorage.crm.records.draft import Draft
from moorage.crm.records.outcomes import user_details
from moorage.crm.records.values import too_long
from moorage.crm.storage.contract.files import NewFile, StoredFile
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction

# What a caller may say of an image beside its file.
_OF_IMAGES = ("Description__s", "Sequence_Number__s")

FileRow = dict[str, Any]


class Files(msgspec.Struct):
    """What becomes of one field: the rows that it will have, and the files of those that it loses."""

    field: Field
    kept: list[FileRow]
    added: list[tuple[FileRow, StoredFile]]
    lost: list[FileRow]


def rows_in(row: Row, field: Field) -> list[FileRow]:
    return list(msgspec.json.decode(row.get(field.column) or "[]"))


class FileFields:
    """The files of all records of one request."""

    def __init__(self, organisation: Organisation, transaction: Transaction, batch: Batch, user: int) -> None:
        self._organisation = organisation
        self._transaction = transaction
        self._batch = batch
        self._user = user
        self._keys: set[str] = set()
        self._known: dict[str, StoredFile] = {}
        self._taken: set[int] = set()

    def expect(self, draft: Draft) -> None:
        for _, rows in draft.files:
            self._keys.update(key for row in rows if isinstance(key := row.get("File_Id__s"), str))

    def merge(self, draft: Draft, old: Row) -> list[Files]:
        """What becomes of the fields of a record. Raises the Fault of an unknown file or row, or of too many."""
        return [
            self._merge(field, rows, f"{draft.path}.{field.api_name}", old) for field, rows in draft.files
        ]

    def _merge(self, field: Field, rows: Sequence[FileRow], path: str, old: Row) -> Files:
        there = {row["id"]: row for row in rows_in(old, field)}
        files = Files(field, [], [], [] if rows else list(there.values()))
        for index, row in enumerate(rows):
            if row.get("id") is None:
                files.added.append((row, self._file(row, f"{path}[{index}].File_Id__s")))
            elif (known := there.get(str(row["id"]))) is None:
                raise _unknown("id", f"{path}[{index}].id")
            elif "_delete" in row:
                files.lost.append(known)
            else:
                known |= {name: row[name] for name in _OF_IMAGES if name in row and name in known}
        gone = {row["id"] for row in files.lost}
        files.kept = [row for row in there.values() if row["id"] not in gone]
        if field.length and len(files.kept) + len(files.added) > field.length:
            raise too_long(field, path, field.length)
        return files

    def _file(self, row: FileRow, path: str) -> StoredFile:
        key = row["File_Id__s"]
        if self._keys:
            self._known |= self._transaction.files.find(self._keys)
            self._keys.clear()
        file = self._known.get(key)
        if file is None or file.content is None:
            raise _unknown("File_Id__s", path)
        return file

    def write(self, record: int, row: Row, merged: Sequence[Files]) -> None:
        """Put the rows into the record's row, and give it the files."""
        for files in merged:
            added = [self._added(record, files.field, sent, file) for sent, file in files.added]
            rows = [*files.kept, *added]
            row[files.field.column] = msgspec.json.encode(rows).decode() if rows else None
            lost = self._transaction.files.find(each["File_Id__s"] for each in files.lost)
            self._transaction.files.remove([file.id for file in lost.values()])

    def _added(self, record: int, field: Field, sent: FileRow, file: StoredFile) -> FileRow:
        file = self._owned(file, record)
        moment = zoned(self._organisation.zone, self._batch.now)
        user = user_details(self._organisation, self._user)
        shown: FileRow = {
            "id": str(self._batch.new_id()),
            "File_Id__s": file.key,
            "File_Name__s": file.name,
            "Size__s": file.size,
            **dict.fromkeys(("Created_Time__s", "Modified_Time__s"), moment),
            **dict.fromkeys(("Created_By__s", "Modified_By__s", "Owner__s"), user),
            "Parent_Id": {"id": str(record)},
        }
        if field.data_type == "imageupload":
            shown |= {
                "Preview_Id__s": file.key,
                "State__s": "save",
                **{name: sent.get(name) for name in _OF_IMAGES},
            }
        return shown

    def _owned(self, file: StoredFile, record: int) -> StoredFile:
        """The file as one of the record's. One that has an owner already keeps it: the bytes get another name."""
        if file.owner is None and file.id not in self._taken:
            self._taken.add(file.id)
            self._transaction.files.give({file.id: record})
            return file
        new = NewFile(file.name, self._user, file.size, file.content, owner=record)
        return self._transaction.files.add([new])[0]


def _unknown(name: str, path: str) -> Fault:
    details = {"api_name": name, "json_path": path}
    return Fault(400, "INVALID_DATA", "the id given seems to be invalid", details)
