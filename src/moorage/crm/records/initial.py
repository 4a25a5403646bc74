"""What the CRM itself writes into a record: what a new one begins with, and who changed it when."""

from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.contract.records import Row

_SET_AT_INSERT = frozenset({"Created_Time", "Modified_Time", "Last_Activity_Time", "Change_Log_Time__s"})
_SET_AT_CHANGE = ("Modified_Time", "Last_Activity_Time", "Change_Log_Time__s")
_USERS = frozenset({"Owner", "Created_By", "Modified_By"})


def initial_values(module: Module, user: int, now: int) -> Row:
    """The values by column. `user` is the id of the user who makes the record, `now` in seconds since the epoch."""
    row: Row = {}
    for field in module.fields.values():
        if field.initial is not None:
            row[field.column] = field.initial
        elif field.api_name in _USERS:
            row[field.column] = user
        elif field.api_name in _SET_AT_INSERT:
            row[field.column] = now
        elif field.api_name == "Record_Status__s":
            row[field.column] = "Available"
        elif field.default is not None and field.storage == "text":
            row[field.column] = field.default
    return row


def modification(module: Module, user: int, now: int) -> Row:
    """What a change by this user sets, by column."""
    row: Row = {}
    for name in _SET_AT_CHANGE:
        if (field := module.fields.get(name)) is not None:
            row[field.column] = now
    if (modifier := module.fields.get("Modified_By")) is not None:
        row[modifier.column] = user
    return row
