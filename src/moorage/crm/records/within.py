"""The records that a call reaches through another one, such as the notes of a lead."""

from dataclasses import dataclass

from moorage.crm.metadata.catalog import Field
from moorage.crm.storage.contract.records import Row


@dataclass(frozen=True, slots=True)
class Within:
    """The records whose lookup `field` points to the record `record`."""

    field: Field
    record: int

    def has(self, row: Row) -> bool:
        return bool(row[self.field.column] == self.record)
