"""The error in a response, as one line in the words of this command line."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from moorage.client import ApiError, Response
from moorage.near import nearest

# The server's advice names calls, for programs. Here it names commands instead.
_DIALECT = (
    (
        r'Create one with POST /connections \{"app": "([\w-]+)"\} and open its url',
        r"Make one: `moorage connection create \1`",
    ),
    (r'POST /connections \{"app": "([\w-]+)"\}', r"`moorage connection create \1`"),
    (r"GET /connections/([\w-]+)/diagnosis", r"`moorage doctor --connection \1`"),
    (r"GET /connections/([\w-]+)", r"`moorage connection get \1`"),
    (r"GET /connections", "`moorage connection list`"),
    (r"GET /keys and `moorage key list` show", "`moorage key list` shows"),
)
# Advice that Zoho's errors do not give.
_BY_ZOHO_CODE = {
    "OAUTH_SCOPE_MISMATCH": "The connection was not given that right: open the url that `moorage connection get ID` "
    "shows, and connect it anew with it ticked.",
    "INVALID_TOKEN": "At the CRM's own address no API key counts; the gateway's is another. See `moorage status`.",
}
_MODULES = (
    "Leads", "Contacts", "Accounts", "Deals", "Tasks", "Events", "Calls", "Campaigns", "Products", "Vendors",
    "Price_Books", "Quotes", "Sales_Orders", "Purchase_Orders", "Invoices", "Cases", "Solutions", "Notes",
)  # fmt: skip
_UNSAID = {"api_name", "param_name", "json_path", "resource_path_index", "reason", "id"}


def sentence(error: ApiError) -> str:
    """What is wrong, with the facts from `details` of Zoho's errors: which field or parameter, and what it expects."""
    if error.message is None:
        return f"The API answered {error.status} {error.response.reason}"
    facts = _facts(error.detail) if isinstance(error.detail, Mapping) else ""
    more = len(list(_failed(error.response))) - 1
    said = f"{error.message.rstrip('.')}: {facts}" if facts else error.message
    return f"{said} (and {more} more records)" if more > 0 else said


def advice(error: ApiError, path: str = "") -> str | None:
    """What would be right, as far as the answer or this command line knows. `path` is the path that was called."""
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
    """The server's advice, with commands instead of calls."""
    for call, command in _DIALECT:
        text = re.sub(call, command, text)
    return text


def remarks(response: Response, path: str) -> Iterator[str]:
    """Remarks on a successful answer that its status does not show."""
    if not response.body:
        yield f"The answer is empty: {response.status} {response.reason}."
        return
    records = _records(response)
    failed = list(_failed(response))
    if failed:
        told = "; ".join(
            f"{record.get('message')}: {_facts(record.get('details', {}))}" for record in failed[:3]
        )
        yield f"{len(failed)} of {len(records)} records failed: {told}."
    asked = {name for names in parse_qs(urlsplit(path).query).get("fields", []) for name in names.split(",")}
    plain = {name for name in asked if re.fullmatch(r"\w+", name)}
    missing = sorted(plain - {key for record in records for key in record})
    if records and missing and not failed:
        yield f"No record has {', '.join(missing)}; the API leaves out fields that it does not know."


def _records(response: Response) -> list[dict[str, Any]]:
    try:
        body = response.json()
    except ValueError:
        return []
    found = body.get("data") if isinstance(body, dict) else None
    return [record for record in found if isinstance(record, dict)] if isinstance(found, list) else []


def _failed(response: Response) -> Iterator[dict[str, Any]]:
    return (record for record in _records(response) if record.get("status") == "error")


def _facts(details: Any) -> str:
    """Such as `Email expects email (data[0])`."""
    if not isinstance(details, Mapping):
        return ""
    what = str(details.get("api_name") or details.get("param_name") or "")
    said = [what, *_expected(details)]
    if details.get("reason"):
        said.append(f"({details['reason']})")
    place = str(details.get("json_path", "")).removeprefix("$.").removesuffix(f".{what}")
    if place and place != what:
        said.append(f"({place})")
    return " ".join(part for part in said if part)


def _expected(details: Mapping[str, Any]) -> Iterator[str]:
    for name, value in details.items():
        match name, value:
            case "expected_data_type", _:
                yield f"expects {value}"
            case "maximum_length", _:
                yield f"has room for {value}"
            case "range", {"from": low, "to": high}:
                yield f"from {low} to {high}"
            case "supported_values", list():
                yield f"can be {', '.join(map(str, value))}"
            case _ if name not in _UNSAID and isinstance(value, str | int):
                yield f"{name.replace('_', ' ')} {value}"


def _other_module(path: str) -> str | None:
    found = re.search(r"/crm/v[\d.]+/([^/?]+)", path)
    meant = nearest(found[1], _MODULES) if found else None
    if meant is not None and found is not None and meant != found[1]:
        return f"Did you mean {meant}?"
    return "Those there are: `moorage api /zoho-crm/crm/v8/settings/modules`."
