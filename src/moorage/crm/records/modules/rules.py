"""What a module can have of its own. Each other file of this room fills it in for its module or family of modules."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.contract.records import Row


class PendingRecord(msgspec.Struct):
    """A record that is about to be written.

    `row` is how it will be and `old` how it was, empty for a new record. `sent_fields` names the fields that the caller
    set, `path` is where the record stands in the body, and `now` is in seconds since the epoch.
    """

    module: Module
    row: Row
    old: Row
    sent_fields: set[str]
    path: str
    now: int

    @property
    def is_new(self) -> bool:
        return not self.old

    def get(self, name: str) -> Any:
        """The value that the field will have; None, too, where the module has no such field."""
        field = self.module.fields.get(name)
        return self.row.get(field.column) if field else None

    def set(self, name: str, value: Any) -> None:
        """Set the field, if the module has it."""
        field = self.module.fields.get(name)
        if field is not None:
            self.row[field.column] = value

    def changes(self, name: str) -> bool:
        """Whether the caller set the field to another value than it had."""
        if name not in self.sent_fields:
            return False
        column = self.module.fields[name].column
        return bool(self.row.get(column) != self.old.get(column))

    def details(self, name: str) -> dict[str, Any]:
        """The details of a Fault that name a field, and its place in the body."""
        return {"api_name": name, "json_path": f"{self.path}.{name}"}


Rule: TypeAlias = Callable[[PendingRecord], None]
# A record, the module of rows of one of its fields, and the rows which it will have there.
AddUp: TypeAlias = Callable[[PendingRecord, Module, Sequence[Row]], None]


def _nothing(*_: Any) -> None:
    pass


class ModuleRules(msgspec.Struct, frozen=True):
    """What holds for the records of one module. What a module leaves out is as everywhere else."""

    # Raises the Fault for values that don't fit together. Runs first, when lookups are not resolved yet.
    check: Rule = _nothing
    # Sets the fields that the CRM works out itself. Runs last, when nothing can be refused any more.
    compute: Rule = _nothing
    # Sets the totals over the rows of a subform.
    add_up: AddUp = _nothing
    # The record's own fields that count towards these totals.
    added_up: frozenset[str] = frozenset()
    # Mandatory fields which other fields can make optional: `check` decides about them.
    dependent: frozenset[str] = frozenset()
    # Whether a row without a List_Price takes the price of its Product_Name.
    has_list_price: bool = False
    # What an upsert looks for duplicates by; None: the display field.
    duplicate_field: str | None = None
    # The field and the direction of a list that is asked for in no order.
    usual_order: tuple[str, str] = ("id", "desc")
    # Whether only administrators may read all the records together.
    for_administrators: bool = False
    # Whether records are only made, changed and deleted through the records that they belong to.
    through_parents: bool = False
    # Whether records could belong to a territory.
    has_territories: bool = False
