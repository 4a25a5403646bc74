"""Attachments: rows of the module `Attachments`, each of which owns a file, or a link to one elsewhere."""

import re
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from moorage.crm.faults import Fault, related_id_invalid
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.records.initial import initial_values
from moorage.crm.records.related import RelatedList
from moorage.crm.storage.contract.files import NewFile
from moorage.crm.storage.contract.records import Row, Transaction

MODULE = "Attachments"
_ADDRESS = re.compile(
    r"(?:(?:https?|ftp)://[^\s/?#@]+|[^\s/?#@:.]+(?:\.[^\s/?#@:.]+)+)(?:[/?#]\S*)?", re.IGNORECASE
)
_LONGEST_ADDRESS = 2_000


def attachments_of(catalog: Catalog, parents: Module) -> RelatedList | None:
    """The attachments of a module's records; None if they can have none."""
    module = catalog.modules[MODULE]
    lookups = tuple(module.lookups_of(parents, MODULE))
    return RelatedList(MODULE, parents, module, lookups) if lookups else None


def require_address(address: str) -> None:
    """Raises the Fault of a text that is no address of a file elsewhere [Z upload-attachment]."""
    if len(address) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
        raise Fault(400, "INVALID_URL_PATTERN", "the given attachment URL is incorrect")


def attach(transaction: Transaction, related: RelatedList, parent: int, file: NewFile) -> Row:
    """Add an attachment with its file, which has no owner yet. Gives its row; raises the Fault of an unknown record."""
    module = related.module
    if not transaction.existing(related.parents, [parent]):
        raise related_id_invalid()
    [attachment] = transaction.new_ids(1)
    row: Row = {"id": attachment, **initial_values(module, file.created_by, transaction.now)}
    row |= {module.fields["File_Name"].column: file.name, module.fields["Size"].column: file.size}
    row |= _belonging(module, related.parents, parent)
    transaction.insert(module, [row])
    transaction.files.add([replace(file, owner=attachment)])
    return row


def detach(
    transaction: Transaction, related: RelatedList, parent: int, attachments: Sequence[int]
) -> set[int]:
    """Remove attachments of a record for good. Gives those that were there."""
    if not transaction.existing(related.parents, [parent]):
        raise related_id_invalid()
    rows = transaction.rows(related.module, attachments)
    column = related.module.fields["Parent_Id"].column
    there = {record for record, row in rows.items() if row[column] == parent}
    _remove(transaction, related.module, there)
    return there


def move(
    transaction: Transaction, catalog: Catalog, parents: Iterable[int], module: Module, record: int
) -> None:
    """Give the attachments of some records to another one, as when a lead is converted or records are merged."""
    attachments = catalog.modules[MODULE]
    target = _belonging(attachments, module, record)
    rows = transaction.children(attachments, attachments.fields["Parent_Id"].column, parents)
    transaction.update(attachments, {row["id"]: target for of_one in rows.values() for row in of_one})


def remove_files(transaction: Transaction, catalog: Catalog, records: Iterable[int]) -> None:
    """Remove all files of records that are removed for good: their attachments, photos, and those in fields."""
    owners = list(records)
    module = catalog.modules[MODULE]
    rows = transaction.children(module, module.fields["Parent_Id"].column, owners)
    _remove(transaction, module, {row["id"] for of_one in rows.values() for row in of_one})
    transaction.files.remove_all_of(owners)


def _remove(transaction: Transaction, module: Module, attachments: Iterable[int]) -> None:
    ids = list(attachments)
    transaction.drop(module, ids)
    transaction.files.remove_all_of(ids)


def _belonging(attachments: Module, module: Module, record: int) -> Row:
    parent = attachments.fields["Parent_Id"]
    return {parent.column: record, parent.module_column: module.number}
