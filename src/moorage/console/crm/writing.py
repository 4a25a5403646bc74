"""What the API says of a write, for people: what became of each record, and what is wrong at which field."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from moorage.console.calls import Answer, Refused, refusal
from moorage.console.crm.fields import Field, meant
from moorage.console.crm.lookups import Choices, found_by
from moorage.console.crm.place import Place, is_id
from moorage.console.tables import cell_text

_TYPES = {
    "integer": "a whole number",
    "double": "a number",
    "bigint": "a whole number",
    "date": "a date such as 2026-11-30",
    "datetime": "a time such as 2026-11-30T10:00:00+00:00",
    "boolean": "yes or no",
    "email": "an e-mail address",
    "phone": "a phone number",
    "website": "a web address",
    "jsonobject": "a record",
}
MOST = 100  # Records of one call.


class Outcome(msgspec.Struct, frozen=True):
    """What became of a record. `field` is the field that is wrong, if the API names one."""

    done: bool
    words: str
    id: str | None = None
    field: str | None = None

    def document(self, **more: Any) -> dict[str, Any]:
        return {"done": self.done, "words": self.words, "id": self.id, "field": self.field, **more}


def words_of(error: Mapping[str, Any]) -> str:
    """An error of the app, in words."""
    details = error.get("details")
    details = details if isinstance(details, dict) else {}
    parts = [str(error.get("message") or error.get("code") or "refused")]
    if error.get("code") == "DUPLICATE_DATA" and (record := details.get("duplicate_record")):
        parts.append(
            f"the record {cell_text(record.get('id')) if isinstance(record, dict) else record} has it"
        )
    if (kind := details.get("expected_data_type")) is not None:
        parts.append(f"it has to be {_TYPES.get(str(kind), str(kind))}")
    if (most := details.get("maximum_length")) is not None:
        parts.append(f"it has up to {most} characters")
    if isinstance(values := details.get("supported_values"), list):
        parts.append(f"it can be {', '.join(map(str, values[:20]))}")
    if (name := details.get("api_name")) is not None:
        parts.append(f"field {name}")
    return ": ".join((parts[0], ", ".join(parts[1:]))) if len(parts) > 1 else parts[0]


def outcomes(answer: Answer, count: int, list_name: str = "data") -> list[Outcome]:
    """What an answer says of each of `count` records; if it refuses them together, the same of all."""
    document = answer.document
    entries = document.get(list_name) if isinstance(document, dict) else None
    if isinstance(entries, list) and len(entries) == count:
        return [_outcome(entry) for entry in entries]
    if answer.status < 400:
        return [Outcome(True, "done")] * count
    if isinstance(document, dict) and "message" in document and "error" not in document:
        return [_outcome(document)] * count
    refused = refusal(answer)
    return [Outcome(False, f"{refused.message} {refused.help}".strip())] * count


def _outcome(entry: Any) -> Outcome:
    if not isinstance(entry, dict):
        return Outcome(False, "The app's answer can't be read.")
    details = entry.get("details")
    details = details if isinstance(details, dict) else {}
    if entry.get("status") == "success" or entry.get("code") == "SUCCESS":
        return Outcome(True, str(entry.get("message") or "done"), cell_text(details.get("id")) or None)
    field = details.get("api_name")
    return Outcome(
        False, words_of(entry), cell_text(details.get("id")) or None, None if field is None else str(field)
    )


async def values_of(
    place: Place, fields: Sequence[Field], texts: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Any], dict[str, str], dict[str, Choices]]:
    """The JSON values for what was typed for fields; what is wrong at which; and records to choose from.

    A lookup can be named by its id or by words that lead to one record.
    """
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    choices: dict[str, Choices] = {}
    for field in fields:
        value = meant(field, texts.get(field.name, ()))
        if field.type == "lookup" and isinstance(value, dict) and not is_id(value["id"]):
            found = await found_by(place, str(field.target), value["id"])
            if len(found) != 1:
                choices[field.name] = found
                faults[field.name] = _unclear(value["id"], found)
                continue
            value = {"id": found[0][0]}
        values[field.name] = value
    return values, faults, choices


def _unclear(text: str, found: Choices) -> str:
    if not found:
        return f"No record is found by {text!r:.60}. Give its id or other words."
    return "Several are found; give the id of one: " + ", ".join(
        f"{name} ({identity})" for identity, name in found
    )


async def written(place: Place, method: str, path: str, values: Mapping[str, Any]) -> Outcome:
    """Write one record. Raises Refused only for what the gateway refuses."""
    answer = await place.write(method, path, None, {"data": [dict(values)]})
    document = answer.document
    if answer.status >= 400 and isinstance(document, dict) and "error" in document:
        raise refusal(answer)
    return outcomes(answer, 1)[0]


def refused_words(refused: Refused) -> str:
    """A refusal as one text."""
    document = refused.document
    if isinstance(document, dict) and "error" not in document and "message" in document:
        return f"The app answered {refused.status}: {words_of(document)}"
    return f"{refused.message} {refused.help}".strip()
