"""What the changes of one request tell the channels that want to hear of them [Z notifications].

An event is what one channel hears of one operation on up to a hundred records. It is written in the transaction of the
change. An organisation without channels pays for one look at a number.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from moorage.crm.events.channels import Channel, all_channels
from moorage.crm.events.shown_values import ShownValues
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction

# Every change sets them, so they tell nothing.
_ALWAYS_CHANGED = {"Modified_Time", "Modified_By", "Last_Activity_Time", "Change_Log_Time__s"}


class ChangeEvents:
    """Collects what changes in a module, and emits it at the end of the request."""

    def __init__(self, organisation: Organisation, module: Module, transaction: Transaction) -> None:
        self._catalog = organisation.catalog
        self._module = module
        self._transaction = transaction
        self._channels: Sequence[Channel] = ()
        if transaction.is_watched:
            now = transaction.now
            self._channels = [channel for channel in all_channels(transaction) if channel.expiry > now]
        self._values = ShownValues(organisation, transaction)
        self._inserted: list[Row] = []
        self._updated: dict[int, Row] = {}
        self._changed: dict[
            int, dict[str, None]
        ] = {}  # By record, the API names of fields, as an ordered set.
        self._deleted: list[int] = []
        self._touched: dict[
            str, dict[int, None]
        ] = {}  # By module, the records that are related to those that change.

    def inserted(self, row: Row) -> None:
        if self._channels:
            self._inserted.append(row)
            self._touch([row])

    def updated(
        self, record: int, old: Row, row: Row, changes: Row, row_fields: Iterable[Field] = ()
    ) -> None:
        """`row_fields` are the fields whose rows have changed."""
        if not self._channels:
            return
        self._updated[record] = row
        names = [self._names[column] for column in changes if column in self._names]
        names += [field.api_name for field in row_fields]
        self._changed.setdefault(record, {}).update(dict.fromkeys(names))
        self._touch([old, row])

    def deleting(self, ids: Collection[int]) -> None:
        """Called before records are deleted, of which some may not exist."""
        if self._lookups:
            self._touch(self._transaction.rows(self._module, ids).values())

    def deleted(self, ids: Iterable[int]) -> None:
        if self._channels:
            self._deleted.extend(ids)

    def emit(self) -> None:
        for channel in self._channels:
            if self._inserted and channel.wants(self._module.api_name, "create"):
                self._emit(channel, "insert", [row["id"] for row in self._inserted])
            if self._updated and channel.wants(self._module.api_name, "edit"):
                self._emit_updates(channel)
            if self._deleted and channel.wants(self._module.api_name, "delete"):
                self._emit(channel, "delete", self._deleted)
            if channel.hears_of_related:
                for module, records in self._touched.items():
                    if _wants_related(channel, module):
                        self._emit(channel, "update", records, module=module)
        for told in (self._inserted, self._updated, self._changed, self._deleted, self._touched):
            told.clear()

    def _emit_updates(self, channel: Channel) -> None:
        condition = channel.conditions.get(self._module.api_name)
        changed = {
            record: list(names)
            for record, names in self._changed.items()
            if condition is None or condition.is_met(names)
        }
        if changed:
            fields = [{str(record): names} for record, names in changed.items()]
            values = self._affected_values(changed) if channel.returns_values else None
            self._emit(channel, "update", changed, fields=fields, values=values)

    def _affected_values(self, changed: Mapping[int, Sequence[str]]) -> list[Any]:
        fields = self._module.fields
        return [
            {"record_id": str(record), "values": values}
            for record, values in self._values.of(
                {
                    record: (self._updated[record], [fields[name] for name in names])
                    for record, names in changed.items()
                }
            ).items()
        ]

    def _emit(
        self,
        channel: Channel,
        operation: str,
        records: Iterable[int],
        *,
        module: str | None = None,
        fields: Sequence[Any] = (),
        values: Sequence[Any] | None = None,
    ) -> None:
        payload = {
            "time": self._transaction.now,
            "module": module or self._module.api_name,
            "operation": operation,
            "ids": [str(record) for record in records],
            "affected_fields": fields,
            "affected_values": values,
        }
        self._transaction.emit(channel.line, payload)

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """By column, the field that it belongs to."""
        names = {}
        for field in self._module.fields.values():
            if field.api_name not in _ALWAYS_CHANGED:
                names[field.column] = names[field.module_column] = field.api_name
        return names

    # Related records

    @cached_property
    def _lookups(self) -> Sequence[Field]:
        """The lookups into modules whose related records somebody wants to hear of."""
        wanted = {
            module
            for channel in self._channels
            if channel.hears_of_related
            for module in channel.events
            if _wants_related(channel, module)
        }
        lookups = [field for field in self._module.fields.values() if field.storage == "lookup"]
        return [field for field in lookups if wanted.intersection(field.lookup_modules or (field.lookup,))]

    @cached_property
    def _modules_by_number(self) -> Mapping[int, str]:
        return {module.number: name for name, module in self._catalog.modules.items()}

    def _touch(self, rows: Iterable[Row]) -> None:
        for field in self._lookups:
            for row in rows:
                record = row.get(field.column)
                module = field.lookup
                if field.lookup_modules:
                    module = self._modules_by_number.get(row.get(field.module_column) or 0)
                if record is not None and module is not None:
                    self._touched.setdefault(module, {})[record] = None


def _wants_related(channel: Channel, module: str) -> bool:
    """A related record's own fields have not changed, so no condition on fields is met."""
    return channel.wants(module, "edit") and module not in channel.conditions
