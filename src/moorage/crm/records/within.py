"""The records that a call reaches through another one, such as the notes of a lead."""

import msgspec

from moorage.crm.metadata.catalog import Field
from moorage.crm.storage.contract.records import Row


class Within(msgspec.Struct, frozen=True):
    """The records whose lookup `field` points to the record `record`."""

    field: Field
    record: int

    def has(self, row: Row) -> bool:
        return bool(row[self.field.column] == self.record)
