"""Responses as JSON, and their errors in one line, with the commands of this program in place of calls."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from moorage.client import ApiError, Response
from moorage.near import nearest

# The server's advice names calls, for programs. These patterns replace calls by commands.
_DIALECT = (
    (
        r'Create one with POST /connections \{"app": "([\w-]+)"\} and open its url',
        r"Create one: `moorage connection create \1`",
    ),
    (r'POST /connections \{"app": "([\w-]+)"\}', r"`moorage connection create \1`"),
    (r"GET /connections/([\w-]+)/diagnosis", r"`moorage doctor --connection \1`"),
    (r"GET /connections/([\w-]+)", r"`moorage connection get \1`"),
    (r"GET /connections", "`moorage connection list`"),
    (r"GET /approvals and `moorage approvals list` show", "`moorage approvals list` shows"),
    (r"GET /approvals/([\w-]+)", r"`moorage approvals show \1`"),
    (r"GET /keys and `moorage key list` show", "`moorage key list` shows"),
)
# Advice for errors of Zoho, which contain none.
_BY_ZOHO_CODE = {
    "OAUTH_SCOPE_MISMATCH": "The connection does not have this right. Open the url that `moorage connection get ID` "
    "shows, and connect it again with the right ticked.",
    "INVALID_TOKEN": "The CRM's own address accepts no API keys. Use the gateway's address: see `moorage status`.",
}
_MODULES = (
    "Leads", "Contacts", "Accounts", "Deals", "Tasks", "Events", "Calls", "Campaigns", "Products", "Vendors",
    "Price_Books", "Quotes", "Sales_Orders", "Purchase_Orders", "Invoices", "Cases", "Solutions", "Notes",
)  # fmt: skip
_HANDLED = {"api_name", "param_name", "json_path", "resource_path_index", "reason", "id"}


def response_document(response: Response) -> dict[str, Any]:
    """A response as JSON. Its body is the value of its JSON, or else its text."""
    try:
        body = response.json()
    except ValueError:
        body = response.body.decode(errors="replace")
    return {"status": response.status, "headers": response.headers, "body": body}


def sentence(error: ApiError) -> str:
    """The message of an error. For errors of Zoho it has the facts in `details`, such as the field and its type."""
    if error.message is None:
        return f"The API answered {error.status} {error.response.reason}"
    facts = _facts(error.detail) if isinstance(error.detail, Mapping) else ""
    more = len(list(_failed(error.response))) - 1
    message = f"{error.message.rstrip('.')}: {facts}" if facts else error.message
    return f"{message} (and {more} more records)" if more > 0 else message


def advice(error: ApiError, path: str = "") -> str | None:
    """Advice for an error, from the answer or from this module; None if there is none. `path` was called."""
    hint = error.response.header("moorage-hint")
    if hint is not None:
        return hint[:1].upper() + hint[1:]
    if isinstance(error.detail, str) and error.detail != error.message:
        return in_commands(error.detail)
    if error.code == "INVALID_MODULE":
        return _other_module(path)
    if error.code == "INVALID_TOKEN" and error.response.header("moorage-error-source") is not None:
        return None  # The answer came through the gateway, so the API key was right.
    if error.code == "REQUIRED_PARAM_MISSING" and isinstance(error.detail, Mapping):
        return f"Add it to the path, as in ?{error.detail.get('param_name')}=VALUE"
    return _BY_ZOHO_CODE.get(error.code or "")


def in_commands(text: str) -> str:
    """The server's advice, with commands in place of calls."""
    for call, command in _DIALECT:
        text = re.sub(call, command, text)
    return text


def remarks(response: Response, path: str) -> Iterator[str]:
    """Remarks on a successful answer: it is empty, some records failed, or requested fields are missing."""
    if not response.body:
        yield f"The answer is empty: {response.status} {response.reason}."
        return
    records = _records(response)
    failed = list(_failed(response))
    if failed:
        reasons = "; ".join(
            f"{record.get('message')}: {_facts(record.get('details', {}))}" for record in failed[:3]
        )
        yield f"{len(failed)} of {len(records)} records failed: {reasons}."
    fields = {name for names in parse_qs(urlsplit(path).query).get("fields", []) for name in names.split(",")}
    plain = {name for name in fields if re.fullmatch(r"\w+", name)}
    missing = sorted(plain - {key for record in records for key in record})
    if records and missing and not failed:
        yield f"No record has {', '.join(missing)}. The API leaves out fields that it does not know."


def _records(response: Response) -> list[dict[str, Any]]:
    try:
        body = response.json()
    except ValueError:
        return []
    data = body.get("data") if isinstance(body, dict) else None
    return [record for record in data if isinstance(record, dict)] if isinstance(data, list) else []


def _failed(response: Response) -> Iterator[dict[str, Any]]:
    return (record for record in _records(response) if record.get("status") == "error")


def _facts(details: Any) -> str:
    """The facts in the details of an error, such as `Email expects email (data[0])`."""
    if not isinstance(details, Mapping):
        return ""
    name = str(details.get("api_name") or details.get("param_name") or "")
    parts = [name, *_expected(details)]
    if details.get("reason") and "message" not in details:
        parts.append(f"({details['reason']})")
    place = str(details.get("json_path", "")).removeprefix("$.").removesuffix(f".{name}")
    if place and place != name:
        parts.append(f"({place})")
    return " ".join(part for part in parts if part)


def _expected(details: Mapping[str, Any]) -> Iterator[str]:
    for name, value in details.items():
        match name, value:
            case "expected_data_type", _:
                yield f"expects {value}"
            case "maximum_length", _:
                yield f"may have {value} characters"
            case "message", str():  # Whole sentences, which say the reason, too.
                yield value.rstrip(".")
            case "range", {"from": low, "to": high}:
                yield f"from {low} to {high}"
            case "supported_values", list():
                yield f"can be {', '.join(map(str, value))}"
            case _ if name not in _HANDLED and isinstance(value, str | int):
                yield f"{name.replace('_', ' ')} {value}"


def _other_module(path: str) -> str | None:
    match = re.search(r"/crm/v[\d.]+/([^/?]+)", path)
    suggestion = nearest(match[1], _MODULES) if match else None
    if suggestion is not None and match is not None and suggestion != match[1]:
        return f"Did you mean {suggestion}?"
    return "All modules: `moorage api /zoho-crm/crm/v8/settings/modules`."
