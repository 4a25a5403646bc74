"""What one field of a record demands of another, in the modules where that is so [Z insert-records], [Z get-notes]."""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Module
from moorage.crm.records.computed import seconds
from moorage.crm.records.draft import Draft
from moorage.crm.records.values import missing
from moorage.crm.storage.contract.records import Row

MAX_PARTICIPANTS = 50

# A call that is only planned, or never took place, has lasted no time yet.
_NOT_HELD = frozenset({"Scheduled", "Overdue", "Cancelled"})

# Reads the value a field will have after the write.
Get: TypeAlias = Callable[[str], Any]


def check(module: Module, made: Draft, old: Row | None) -> None:
    """Raise the Fault for values that don't fit together. `old` is the row before an update, None on insert."""
    rule = _RULES.get(module.api_name)
    if rule is None:
        return
    row = (old or {}) | made.row

    def get(name: str) -> Any:
        return row.get(module.fields[name].column)

    rule(module, made, get, old is None)


def _call(module: Module, made: Draft, get: Get, new: bool) -> None:
    if not (new or made.given & {"Call_Type", "Call_Duration", "Outgoing_Call_Status"}):
        return
    if get("Outgoing_Call_Status") in _NOT_HELD:
        return
    duration = get("Call_Duration")
    if not (duration or "").strip():
        raise missing(module.fields["Call_Duration"], f"{made.path}.Call_Duration")
    if get("Call_Type") != "Missed" and seconds(duration) == 0:
        raise _mismatch(made, "Call_Duration", "Call_Type", "Call Duration can not be zero.")


def _event(_module: Module, made: Draft, get: Get, _new: bool) -> None:
    if made.given & {"Start_DateTime", "End_DateTime"} and get("End_DateTime") < get("Start_DateTime"):
        message = "The End_DateTime can not be before the Start_DateTime."
        raise _mismatch(made, "End_DateTime", "Start_DateTime", message)
    if (
        "Participants" in made.given
        and len(msgspec.json.decode(get("Participants") or "[]")) > MAX_PARTICIPANTS
    ):
        details = {"maximum_length": MAX_PARTICIPANTS, **_place(made, "Participants")}
        message = f"Only {MAX_PARTICIPANTS} participants can be added to an event."
        raise Fault(400, "LIMIT_EXCEEDED", message, details)


def _deal(_module: Module, made: Draft, get: Get, _new: bool) -> None:
    probability = get("Probability") if "Probability" in made.given else None
    if probability is not None and not 0 <= probability <= 100:
        raise Fault(400, "INVALID_DATA", "Given Probability is not valid", _place(made, "Probability"))


def _note(_module: Module, made: Draft, get: Get, _new: bool) -> None:
    if not (get("Note_Content") or "").strip() and not (get("Note_Title") or "").strip():
        expected = [_place(made, name) for name in ("Note_Content", "Note_Title")]
        message = "should contain either content or title"
        raise Fault(400, "EXPECTED_FIELD_MISSING", message, {"expected_fields": expected})


def _mismatch(made: Draft, name: str, dependee: str, message: str) -> Fault:
    return Fault(
        400, "DEPENDENT_MISMATCH", message, {"dependee": _place(made, dependee), **_place(made, name)}
    )


def _place(made: Draft, name: str) -> dict[str, Any]:
    return {"api_name": name, "json_path": f"{made.path}.{name}"}


_RULES: dict[str, Callable[[Module, Draft, Get, bool], None]] = {
    "Calls": _call,
    "Events": _event,
    "Deals": _deal,
    "Notes": _note,
}
