"""The outcome of a write for each record, in Zoho's shape [Z insert-records]."""

from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.times import zoned
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row

_SHOWN = ("Modified_Time", "Modified_By", "Created_Time", "id", "Created_By")


class Outcome(msgspec.Struct):
    """The outcome for one record: its element of `data[]`, and the status of an answer with this element only."""

    document: dict[str, Any]
    status: int


class Refused(Exception):
    """Ends a job that writes several records for one element of `data[]`: nothing of it is written."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.document["message"])
        self.outcome = outcome


def succeeded(details: dict[str, Any], message: str, status: int = 200) -> Outcome:
    document = {"code": "SUCCESS", "details": details, "message": message, "status": "success"}
    return Outcome(document, status)


def failed(fault: Fault) -> Outcome:
    return Outcome(fault.document(), fault.status)


def upserted(outcome: Outcome, action: str, duplicate_field: str | None) -> Outcome:
    """The outcome of an insert or an update, in the shape of an upsert."""
    document = {
        "code": outcome.document["code"],
        "duplicate_field": duplicate_field,
        "action": action,
        "details": outcome.document["details"],
        "message": outcome.document["message"],
        "status": outcome.document["status"],
    }
    return Outcome(document, 200)


def deletion(record: int, *, was_there: bool) -> Outcome:
    details = {"id": str(record)}
    if was_there:
        return succeeded(details, "record deleted")
    return failed(Fault(400, "INVALID_DATA", "record not deleted", details))


def record_details(organisation: Organisation, module: Module, row: Row) -> dict[str, Any]:
    """Id, times and users of a record that was written."""
    details: dict[str, Any] = {}
    for name in _SHOWN:
        field = module.fields.get(name)
        if field is None:
            continue
        value = row.get(field.column)
        if name == "id":
            details[name] = str(value)
        elif field.storage == "datetime":
            details[name] = zoned(organisation.zone, value)
        else:
            details[name] = user_details(organisation, value)
    return details


def user_details(organisation: Organisation, user: int | None, *keys: str) -> dict[str, str] | None:
    """The name and id of a user, and these keys of the user's document; None if there is no such user."""
    document = organisation.metadata.find("user", user) if user is not None else None
    if document is None:
        return None
    details = {"name": document.body["full_name"], "id": str(document.id)}
    return details | {key: document.body[key] for key in keys}
