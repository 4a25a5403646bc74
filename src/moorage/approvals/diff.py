"""What a held call would change: field by field, old and new, as far as that can be known before it is sent."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import parse_qs

import msgspec

from moorage.approvals.model import Answer, Approval, HeldCall
from moorage.approvals.sending import Unsent, reason_of
from moorage.errors import MoorageError
from moorage.logs import Log
from moorage.policies.bodies import json_of

if TYPE_CHECKING:
    from moorage.crm import Trial, TriedRecord

MOST_READ = 10  # Records that are read of a live account.
MOST_FIELDS = 60  # Of one record.
LONGEST_VALUE = 400  # Characters.
SECONDS = 8.0
_DEEPEST = 4
_ALWAYS_CHANGED = frozenset({"Modified_Time", "Modified_By", "Last_Activity_Time", "Change_Log_Time__s"})
_OF_NEW = _ALWAYS_CHANGED | {"Created_Time", "Created_By", "id"}
_OF_TAGS = frozenset({"name", "id", "color_code"})
_NAMES = (
    "Full_Name",
    "Account_Name",
    "Deal_Name",
    "Name",
    "Subject",
    "name",
    "title",
    "subject",
    "displayName",
)
_ZOHO_RECORDS = re.compile(r"/crm/v[\d.]+/(?P<module>[A-Z]\w*)(?:/(?P<id>\d+))?(?P<upsert>/upsert)?")

log = Log(__name__)


class FieldChange(msgspec.Struct):
    """Values as texts; None for no value."""

    name: str
    old: str | None
    new: str | None


class RecordChange(msgspec.Struct):
    """`more` counts the fields that are not shown."""

    what: Literal["created", "changed", "deleted"]
    module: str
    id: str
    name: str
    fields: list[FieldChange]
    more: int = 0


class Diff(msgspec.Struct):
    """`at` is when it was made, in microseconds since the epoch. `beyond` counts the records that are not shown.

    `notes` say in whole sentences what is not shown, and why.
    """

    at: int
    records: list[RecordChange] = []
    beyond: int = 0
    notes: list[str] = []


class Looking(Protocol):
    """Looks at an app as the key of a held call could. Raises MoorageError and Unsent."""

    async def try_out(self, approval: Approval, call: HeldCall) -> "Trial | None":
        """Make a call to the embedded CRM and undo it. None if that can't be done."""

    async def read(self, approval: Approval, native: bytes) -> Answer:
        """Get what is at a path."""


async def diff_of(looking: Looking, approval: Approval, call: HeldCall, at: int) -> Diff:
    """The diff. Whatever goes wrong, there is one: then it says why it shows nothing. Nothing is changed."""
    if approval.asked.kind == "read":
        return Diff(
            at, notes=["This call only reads: it would change nothing, and show the program what is there."]
        )
    try:
        async with asyncio.timeout(SECONDS):
            if approval.asked.environment == "embedded":
                diff = _of_trial(await looking.try_out(approval, call))
            else:
                diff = await _Reading(looking, approval, call).diff()
    except TimeoutError:
        diff = Diff(0, notes=["What this call would change can't be shown: the app took too long to say it."])
    except (MoorageError, Unsent) as error:
        diff = Diff(0, notes=[f"What this call would change can't be shown: {reason_of(error)}"])
    except Exception as error:
        log.exception("approval.no_diff", approval=approval.id, error=type(error).__name__)
        diff = Diff(0, notes=["What this call would change can't be shown: see the server's log."])
    if not diff.records and not diff.notes:
        diff.notes.append("The call has no values that could be shown.")
    diff.at = at
    return diff


def _of_trial(trial: "Trial | None") -> Diff:
    if trial is None:
        return Diff(0, notes=["What this call would change can't be shown: it takes too long to try it out."])
    notes = []
    if trial.status >= 400:
        notes.append(
            f"As things are now, the CRM would refuse this call, with status {trial.status}{_said(trial.answer)}."
        )
    elif not trial.records:
        notes.append(
            "Tried out, this call changes no record at once. It may change other things, or start a job."
        )
    records = [change for record in trial.records if (change := _of_tried(record)) is not None]
    return Diff(0, records, trial.beyond, notes)


def _said(answer: bytes) -> str:
    """What the CRM says against a call, from its answer or that for its first record."""
    document = _json(answer)
    said = [document, *_items(document)] if isinstance(document, Mapping) else []
    texts = (f"{one['message']} ({one['code']})" for one in said if {"message", "code"} <= one.keys())
    text = next(texts, "")
    return f": {_cut(text)}" if text else ""


def _of_tried(record: "TriedRecord") -> RecordChange | None:
    before, after = record.before, record.after
    change = _change(record.module, record.id, before, after)
    change.name = record.name
    return change if change.fields or before is None or after is None else None


class _Reading:
    """The diff of a call to an account elsewhere: what is there now, and what the call's body says."""

    def __init__(self, looking: Looking, approval: Approval, call: HeldCall) -> None:
        self._looking = looking
        self._approval = approval
        self._call = call
        self._path, self._query = call.path, call.native.partition(b"?")[2].decode("latin-1")

    async def diff(self) -> Diff:
        body = _json(self._call.body)
        diff = await self._of(body)
        if self._call.body and body is None:
            diff.notes.append("The body can't be read as JSON in one way only. Look at it before you decide.")
        return diff

    async def _of(self, body: Any) -> Diff:
        if (records := _ZOHO_RECORDS.fullmatch(self._path)) is not None:
            return await self._of_records(records, body)
        if self._call.method in {"PUT", "PATCH", "DELETE"}:
            return await self._of_path(body)
        if self._call.method == "POST" and isinstance(body, Mapping):
            notes = ["It is not known what this call does with these values: only the app knows."]
            return Diff(0, [_change("", "", None, _flat(body))], notes=notes)
        return Diff(0, notes=["What this call would change can't be shown: only the app knows."])

    async def _of_records(self, path: re.Match[str], body: Any) -> Diff:
        module, prefix = path["module"], self._path.partition(f"/{path['module']}")[0]
        items = _items(body)
        if self._call.method == "POST":
            notes = (
                ["Records that the app knows already are changed, and not created."] if path["upsert"] else []
            )
            changes = [_change(module, "", None, item) for item in items[:MOST_READ]]
            return Diff(0, changes, max(0, len(items) - MOST_READ), notes)
        new: dict[str, dict[str, Any]] = {}
        for item in items:
            record = path["id"] or str(item.get("id"))  # An id in the path counts before that in the body.
            new[record] = new.get(record, {}) | item
        ids = [path["id"]] if path["id"] else list(new)
        if self._call.method == "DELETE":
            ids = ids or [each for part in parse_qs(self._query).get("ids", []) for each in part.split(",")]
        ids = [each for each in dict.fromkeys(ids) if re.fullmatch(r"\d{1,30}", each)]
        if not ids:
            return Diff(0, notes=["The call names no record by its id, so nothing could be read before it."])
        shown = ids[:MOST_READ]
        read = await asyncio.gather(*(self._read(f"{prefix}/{module}/{each}") for each in shown))
        diff = Diff(0, beyond=len(ids) - len(shown))
        for each, document in zip(shown, read, strict=True):
            before = next(iter(_items(document)), None)
            if before is None:
                diff.notes.append(f"The record {each} of {module} can't be read, or does not exist.")
            after = None if self._call.method == "DELETE" else _over(before, new.get(each, {}))
            diff.records.append(_change(module, each, before, after))
        return diff

    async def _of_path(self, body: Any) -> Diff:
        document = await self._read(self._path)
        before = _flat(document) if isinstance(document, Mapping) else None
        diff = Diff(0)
        if before is None:
            diff.notes.append("What is at this path now can't be read.")
        after = (
            None
            if self._call.method == "DELETE"
            else _over(before, _flat(body) if isinstance(body, Mapping) else {})
        )
        diff.records.append(_change("", self._path.rpartition("/")[2], before, after))
        return diff

    async def _read(self, path: str) -> Any:
        answer = await self._looking.read(self._approval, path.encode("latin-1"))
        return _json(answer.body) if answer.status == 200 and answer.is_whole else None


def _change(
    module: str, record: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> RecordChange:
    what: Literal["created", "changed", "deleted"] = (
        "created" if before is None else "deleted" if after is None else "changed"
    )
    ignored = _ALWAYS_CHANGED if what == "changed" else _OF_NEW
    fields = []
    for name in dict.fromkeys([*(before or {}), *(after or {})]):
        old, new = (before or {}).get(name), (after or {}).get(name)
        if name not in ignored and not name.startswith("$") and not _is_same(old, new):
            fields.append(FieldChange(_cut(name), _text(old), _text(new)))
    return RecordChange(
        what,
        module,
        record,
        _name_in(before or after),
        fields[:MOST_FIELDS],
        max(0, len(fields) - MOST_FIELDS),
    )


def _over(before: Mapping[str, Any] | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """A record after these changes. A value that a body names by its id alone keeps the name that it has."""
    after = dict(before or {})
    for name, value in changes.items():
        old = after.get(name)
        is_same = isinstance(old, Mapping) and isinstance(value, Mapping) and value.items() <= old.items()
        after[name] = old if is_same else value
    return after


def _is_same(old: Any, new: Any) -> bool:
    return old == new or (_is_empty(old) and _is_empty(new))


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _text(value: Any) -> str | None:
    """A value as people read it; None for no value."""
    if _is_empty(value):
        return None
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        return _cut(f"{value['name']} ({value['id']})" if "id" in value else value["name"])
    if isinstance(value, Sequence) and all(isinstance(each, str | int | float) for each in value):
        return _cut(", ".join(map(str, value)))
    if isinstance(value, Sequence) and all(_is_tag(each) for each in value):
        return _cut(", ".join(each["name"] for each in value))
    return _cut(json.dumps(value, ensure_ascii=False))


def _is_tag(value: Any) -> bool:
    """Whether a value says no more than its name, its id and its colour."""
    return isinstance(value, Mapping) and isinstance(value.get("name"), str) and value.keys() <= _OF_TAGS


def _cut(text: str) -> str:
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[:LONGEST_VALUE]}… (cut; it has {len(text)} characters)"


def _name_in(record: Mapping[str, Any] | None) -> str:
    for name in _NAMES:
        for key, value in (record or {}).items():
            if key.rpartition(".")[2] == name and isinstance(value, str) and value:
                return _cut(value)
    return ""


def _items(body: Any) -> list[dict[str, Any]]:
    data = body.get("data") if isinstance(body, Mapping) else None
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a document, those of inner objects behind dots."""
    return dict(_members(document, "", _DEEPEST))


def _members(document: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, Mapping) and value and depth > 1:
            yield from _members(value, f"{prefix}{name}.", depth - 1)
        else:
            yield f"{prefix}{name}", value


def _json(body: bytes) -> Any:
    try:
        json_of(body)  # Raises for what some readers read otherwise.
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
