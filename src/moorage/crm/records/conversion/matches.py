"""Records that a lead may be about already: the contact of the same address, the account of the same company.

The unique fields of a module decide, if it has any. Without, these do: the e-mail of contacts, the name of accounts,
and for a lead without an e-mail the full name of contacts [Z convert-lead].
"""

from typing import Any

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.records.values import parse

_USUAL = {"Contacts": "Email", "Accounts": "Account_Name"}


def mapped_fields(catalog: Catalog, name: str) -> list[tuple[Field, Field]]:
    """The fields of leads whose values go to the module's records, each with the field that gets its value."""
    target = catalog.modules[name]
    pairs = [
        (field, target.fields.get(field.converts_to.get(name, "")))
        for field in catalog.modules["Leads"].fields.values()
    ]
    return [(field, to) for field, to in pairs if to is not None]


def has_unique_fields(module: Module) -> bool:
    return any(field.unique for field in module.fields.values())


def deciding_fields(module: Module) -> list[Field]:
    """The fields of contacts or accounts whose values decide whether a record matches, in this order."""
    unique = [field for field in module.fields.values() if field.unique]
    return unique or [module.fields[_USUAL[module.api_name]]]


def deciding_values(module: Module, values: dict[str, Any], path: str) -> list[tuple[Field, Any]]:
    """These fields with the values of the record that a lead would become, as their columns hold them.

    Text without signs says nothing. Raises the Fault of a value that its field can't have, with its place in `path`.
    """
    pairs = [
        (field, parse(field, values.get(field.api_name), f"{path}.{field.api_name}"))
        for field in deciding_fields(module)
    ]
    name = values.get("Full_Name")
    if module.api_name == "Contacts" and not has_unique_fields(module) and not values.get("Email"):
        pairs.append((module.fields["Full_Name"], name if isinstance(name, str) else None))
    return [(field, value) for field, value in pairs if value not in (None, "")]
