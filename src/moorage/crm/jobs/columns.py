"""The columns of a bulk read: fields of the module, and of the records and users that its lookups point to."""

from collections.abc import Sequence
from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.storage.contract.lines import Column
from moorage.crm.storage.contract.organisations import Organisation

ID = "Id"  # The first column, whatever is asked for.
MOST_COLUMNS = 200
MOST_LOOKUPS = 10  # Lookups through which the columns of a read lead.

_UNREAD = frozenset({"rows", "personal"})  # What no column of a file has.
# What can be asked of a user.
_OF_USERS = frozenset({"id", "full_name", "first_name", "last_name", "email", "alias", "zuid", "status"})


def readable_fields(module: Module) -> list[Field]:
    """The fields that can be columns of a file."""
    return [field for field in module.fields.values() if field.storage not in _UNREAD]


def columns_of(
    organisation: Organisation, module: Module, names: Sequence[str] | None
) -> tuple[list[str], list[Column]]:
    """The headings of the columns, and the columns. `names` are those of fields; None is for all fields.

    Raises the Fault of a name that is no column.
    """
    if names is None:
        names = [field.api_name for field in readable_fields(module)]
    names = [name for name in dict.fromkeys(names) if name.lower() != "id"]
    if len(names) > MOST_COLUMNS:
        raise Fault(400, "LIMIT_EXCEEDED", "there are too many fields", {"limit": MOST_COLUMNS})
    columns = [Column(module.fields["id"]), *(_column(organisation, module, name) for name in names)]
    if len({column.through for column in columns}) > MOST_LOOKUPS + 1:
        raise Fault(
            400, "JOIN_LIMIT_EXCEEDED", "fields lead through too many lookups", {"limit": MOST_LOOKUPS}
        )
    return [ID, *names], columns


def modules_behind(module: Module, names: Sequence[str]) -> list[str]:
    """The modules whose fields are asked for behind a lookup, by their API names."""
    lookups = [module.fields.get(first) for first, dot, _ in (name.partition(".") for name in names) if dot]
    return list(dict.fromkeys(field.lookup for field in lookups if field is not None and field.lookup))


def _column(organisation: Organisation, module: Module, name: str) -> Column:
    first, dot, rest = name.partition(".")
    field = module.fields.get(first)
    if field is None:
        raise _not_available(name, module)
    if field.storage in _UNREAD or (dot and field.storage not in {"user", "lookup"}):
        raise _not_supported(name, module)
    if not dot or rest.lower() == "id":
        return Column(field)
    if field.storage == "user":
        return Column(field, labels=_labels(organisation, name, module, rest))
    return _through(organisation, module, field, name, rest)


def _labels(organisation: Organisation, name: str, module: Module, key: str) -> tuple[tuple[int, str], ...]:
    if key not in _OF_USERS:
        raise _not_available(name, module)
    users: list[tuple[int, Any]] = [
        (user.id, user.body.get(key)) for user in organisation.metadata.all("user")
    ]
    return tuple((user, str(value)) for user, value in users if value is not None)


def _through(organisation: Organisation, module: Module, lookup: Field, name: str, rest: str) -> Column:
    target = organisation.catalog.modules.get(lookup.lookup or "")
    if target is None:
        raise _not_supported(name, module)
    field = target.fields.get(rest)
    if field is None:
        raise _not_available(name, module)
    if field.storage in _UNREAD:
        raise _not_supported(name, module)
    return Column(field, lookup)


def _not_available(name: str, module: Module) -> Fault:
    details = {"api_name": name, "module": module.api_name}
    return Fault(400, "FIELD_NOT_AVAILABLE", f"Requested field {name!r} is not available.", details)


def _not_supported(name: str, module: Module) -> Fault:
    details = {"api_name": name, "module": module.api_name}
    return Fault(400, "FIELD_NOT_SUPPORTED", f"Requested field {name!r} is not supported.", details)
