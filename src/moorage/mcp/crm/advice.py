"""What an agent can do about an error of Zoho's API, or of the gateway, and which field is wrong."""

from collections.abc import Mapping
from typing import Any

import msgspec

_RECONNECT = "connect_account connects the account again; a person has to agree there."

# What helps, by the code of an error of Zoho's API ...
_STEPS = {
    "INVALID_MODULE": "describe_module without a module shows all modules.",
    "INVALID_QUERY": "Compare names and values with describe_module; where is (Field:operator:value), COQL is SQL.",
    "SYNTAX_ERROR": "Correct the query there: select … from Module where … (a condition is always needed).",
    "LIMIT_EXCEEDED": "Ask for less at once.",
    "LIMIT_REACHED": "Narrow the search with where, or use query_records.",
    "OAUTH_SCOPE_MISMATCH": f"The account was connected without this right. {_RECONNECT}",
    "NO_PERMISSION": "The user of the account may not do this; tell a person.",
    "INVALID_TOKEN": _RECONNECT,
    "AUTHENTICATION_FAILURE": _RECONNECT,
    "TOO_MANY_REQUESTS": "Wait a minute.",
    "REQUEST_TIMEOUT": "Search by id, email, phone or words, or narrow the query.",
    "NOT_SUPPORTED": "call_api reaches everything else that the API has.",
    # ... and of the gateway, whose own advice is for people at a terminal.
    "connection_missing": "connect_account connects one.",
    "connection_unknown": "list_accounts shows the accounts.",
    "connection_inactive": _RECONNECT,
    "connection_name_required": "Give account; list_accounts shows the names.",
    "reconnect_needed": _RECONNECT,
    "default_deleted": "Give account; list_accounts shows the names.",
}

_TYPES = {
    "integer": "a whole number, such as 5",
    "bigint": "a whole number, such as 5",
    "double": "a number, such as 12.5",
    "boolean": "true or false",
    "date": "a date, such as 2026-11-30",
    "datetime": "a time with its zone, such as 2026-11-30T09:00:00+01:00",
    "text": "a text",
    "string": "a text",
    "email": "an e-mail address",
    "phone": "a phone number",
    "website": "a web address",
    "jsonarray": "a list",
    "jsonobject": 'an object; a related record is {"id": "…"}',
}


class RowError(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What is wrong with one record."""

    code: str
    fix: str
    field: str | None = None


def needs(data_type: str) -> str:
    """What a value has to be, in words."""
    return f"It has to be {_TYPES.get(data_type, f'of the type {data_type}')}."


def row_error(document: Mapping[str, Any]) -> RowError:
    """The error of one record, in Zoho's shape."""
    details = document.get("details")
    details = details if isinstance(details, dict) else {}
    code = str(document.get("code"))
    errors = details.get("errors")
    if isinstance(errors, list) and errors and all(isinstance(error, dict) for error in errors):
        each = [row_error(error) for error in errors]
        fix = " ".join(f"{error.field or error.code}: {error.fix}" for error in each)
        return RowError(code=code, field=each[0].field, fix=fix)
    field, message = details.get("api_name"), str(document.get("message", ""))
    return RowError(
        code=code,
        field=field if isinstance(field, str) else None,
        fix=fix_for(code, message, details) or f"{message}.",
    )


def fix_for(code: str | None, message: str, details: Mapping[str, Any]) -> str | None:
    """What would be right, as far as code, message and details of an error tell."""
    if code == "MANDATORY_NOT_FOUND":
        return "Give it a value."
    if code == "DUPLICATE_DATA" and "id" in details:
        return f"Record {details['id']} has this value already: update that one, or use another value."
    if "expected_data_type" in details:
        return needs(str(details["expected_data_type"]))
    if "maximum_length" in details:
        return f"It is too long: no more than {details['maximum_length']} are possible."
    if code == "INVALID_DATA" and ("id given" in message or "record not deleted" in message):
        return "No record has this id; search_records finds the right one."
    if code == "INVALID_QUERY" and "value given" in message:
        return "describe_module shows types and options; picklists take =, !=, in and not in."
    return None if code is None else _STEPS.get(code)
