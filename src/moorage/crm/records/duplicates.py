"""Values that no two records may have, and the fields by which an upsert finds its record [Z upsert-records]."""

from collections.abc import Iterator, Sequence
from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.metadata.custom.duplicate_checks import KEY, MAPPED_MODULE
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.batch import Batch
from moorage.crm.records.draft import Draft
from moorage.crm.records.modules import rules_of
from moorage.crm.records.outcomes import user_details
from moorage.crm.records.personal_ids import PersonalIds
from moorage.crm.records.prepare import Prepared, required
from moorage.crm.storage.contract.organisations import Organisation


class UniqueValues:
    """The unique fields of one module."""

    def __init__(
        self, organisation: Organisation, module: Module, batch: Batch, personal: PersonalIds
    ) -> None:
        self._organisation = organisation
        self._personal = personal
        self._module = module
        self._batch = batch
        self._fields = [field for field in module.fields.values() if field.unique]
        self._mapped = list(_mapped_fields(organisation.catalog, module))

    def expect(self, drafts: Sequence[Draft]) -> None:
        """Tell the batch what `check` is going to ask."""
        for field in self._fields:
            self._batch.expect_values(self._module, field, values_of(drafts, field))
        for field, other_module, other in self._mapped:
            self._batch.expect_values(other_module, other, values_of(drafts, field))

    def check(self, draft: Draft, record: int | None) -> None:
        """Raise the Fault for values that another record has. `record` is the one to be updated, None on insert."""
        faults = []
        for field in self._fields:
            value = draft.row.get(field.column)
            matching = [] if value is None else self._batch.matching(self._module, field, value)
            if others := [other for other in matching if other != record]:
                faults.append(self._duplicate(field, draft.path, others[0]))
        for field, own in draft.personal.items():
            found = self._personal.record_with(field, own)
            if found not in {None, record}:
                assert found is not None
                faults.append(self._duplicate(field, draft.path, found))
        for field, other_module, other in self._mapped:
            value = draft.row.get(field.column)
            matching = [] if value is None else self._batch.matching(other_module, other, value)
            if matching:
                faults.append(self._duplicate(field, draft.path, matching[0], other_module))
        if len(faults) == 1:
            raise faults[0]
        if faults:
            errors = {"errors": [fault.document() for fault in faults]}
            raise Fault(400, "MULTIPLE_OR_MULTI_ERRORS", "Multiple errors in the request", errors)

    def _duplicate(self, field: Field, path: str, other: int, of_module: Module | None = None) -> Fault:
        module = of_module or self._module
        record: dict[str, Any] = {"id": str(other)}
        if (owner := module.fields.get("Owner")) is not None:
            row = self._batch.row(module, other) or {}
            record["Owner"] = user_details(self._organisation, row.get(owner.column), "zuid")
        record["module"] = module.reference
        details = {
            "api_name": field.api_name,
            "json_path": f"{path}.{field.api_name}",
            "id": str(other),
            "duplicate_record": record,
            "more_records": False,
        }
        message = (
            "duplicate data" if field.external is None else "The external field contains duplicate data."
        )
        return Fault(400, "DUPLICATE_DATA", message, details)


def _mapped_fields(catalog: Catalog, module: Module) -> Iterator[tuple[Field, Module, Field]]:
    """The fields whose values no record of another module may have, with that module and its field."""
    mappings = (module.flags.get(KEY) or {}).get("mappings") or {}
    if not mappings:
        return
    other_module = catalog.modules[MAPPED_MODULE]
    fields = {str(field.id): field for field in (*module.fields.values(), *other_module.fields.values())}
    for current, other in mappings.items():
        if current in fields and other in fields:
            yield fields[current], other_module, fields[other]


def values_of(drafts: Sequence[Draft], field: Field) -> list[Any]:
    values = [draft.row.get(field.column) for draft in drafts]
    return [value for value in values if value is not None]


def duplicate_checks(module: Module, names: Sequence[str] | None) -> list[Field]:
    """The fields in which an upsert looks for duplicates, in order: those named, or the system's; then the unique ones.

    Named fields that are neither the system's nor unique have no effect, as at Zoho: integrations name `Phone` without
    it being unique [Z observed].
    """
    system = rules_of(module).duplicate_field or module.display_name or "Name"
    checked = [field for field in module.fields.values() if field.finds_one or field.api_name == system]
    if not names:
        first = [field for field in checked if field.api_name == system]
    else:
        first = [module.fields[name] for name in dict.fromkeys(names) if module.fields.get(name) in checked]
    return first + [field for field in checked if field.finds_one and field not in first]


def named_or_matching(
    batch: Batch, module: Module, prepared: Prepared, checked: Sequence[Field], personal: PersonalIds
) -> tuple[int | None, str | None] | None:
    """The record to update, and the field whose value it has; None if a record has to be inserted.

    A record with an id names that record itself, and no field is checked.
    """
    record = prepared.record
    if not isinstance(record, dict):
        return None
    if record.get("id") is not None:
        return whole_id(record["id"]), None
    draft = required(prepared.update)
    for field in checked:
        if (found := personal.record_with(field, draft.personal.get(field))) is not None:
            return found, field.api_name
        value = draft.row.get(field.column)
        if value is not None and (matching := batch.matching(module, field, value)):
            return matching[0], field.api_name
    return None
