"""What belongs to a lead, and goes on with the records that it became: notes and activities [Z convert-lead]."""

from collections.abc import Iterator

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.records.own_changes import set_values
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction


def move_notes(
    organisation: Organisation, transaction: Transaction, lead: int, target: Module, record: int
) -> None:
    notes = organisation.catalog.modules["Notes"]
    parent = notes.fields["Parent_Id"]
    row = {parent.column: record, parent.module_column: target.number}
    row[notes.fields["Associated_Id__s"].column] = record
    _set_each(organisation, transaction, notes, parent, lead, row)


def move_activities(
    organisation: Organisation,
    transaction: Transaction,
    lead: int,
    contact: int,
    about: tuple[Module, int] | None,
) -> None:
    """Activities are with the contact then, and `about` its deal or account."""
    for module, field in _activities(organisation.catalog):
        row: Row = {field.column: None, field.module_column: None}
        if about is not None and about[0].api_name in field.lookup_modules:
            row = {field.column: about[1], field.module_column: about[0].number}
        if (person := module.fields.get("Who_Id")) is not None:
            row[person.column] = contact
        _set_each(organisation, transaction, module, field, lead, row)


def _activities(catalog: Catalog) -> Iterator[tuple[Module, Field]]:
    """The modules whose records can be about a lead, with the lookup to what they are about."""
    for module in catalog.modules.values():
        field = module.fields.get("What_Id")
        if field is not None and "Leads" in field.lookup_modules:
            yield module, field


def _set_each(
    organisation: Organisation, transaction: Transaction, module: Module, lookup: Field, lead: int, row: Row
) -> None:
    pointing = transaction.children(module, lookup.column, [lead]).get(lead, [])
    set_values(organisation, module, transaction, {record["id"]: row for record in pointing})
