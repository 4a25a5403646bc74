"""Calls: how long they took [Z insert-records]."""

from moorage.crm.faults import Fault
from moorage.crm.records.modules.rules import ModuleRules, PendingRecord
from moorage.crm.records.values import missing

# A call that is only planned, or never took place, has lasted no time yet.
_NOT_HELD = frozenset({"Scheduled", "Overdue", "Cancelled"})
_CHECKED = frozenset({"Call_Type", "Call_Duration", "Outgoing_Call_Status"})


def _check(call: PendingRecord) -> None:
    if not (call.is_new or call.sent_fields & _CHECKED) or call.get("Outgoing_Call_Status") in _NOT_HELD:
        return
    duration = call.get("Call_Duration")
    if not (duration or "").strip():
        raise missing(call.module.fields["Call_Duration"], f"{call.path}.Call_Duration")
    if call.get("Call_Type") != "Missed" and _seconds(duration) == 0:
        details = {"dependee": call.details("Call_Type"), **call.details("Call_Duration")}
        raise Fault(400, "DEPENDENT_MISMATCH", "Call Duration can not be zero.", details)


def _compute(call: PendingRecord) -> None:
    if call.changes("Call_Duration") and "Call_Duration_in_seconds" not in call.sent_fields:
        call.set("Call_Duration_in_seconds", _seconds(call.get("Call_Duration")))


def _seconds(duration: str | None) -> int | None:
    """`10` is ten minutes, `10:30` ten and a half, `1:10:30` an hour more. None for what can't be read."""
    parts = (duration or "").split(":")
    if not 1 <= len(parts) <= 3 or not all(p.isascii() and p.isdigit() and len(p) <= 6 for p in parts):
        return None
    numbers = [int(part) for part in parts]
    if len(numbers) == 1:
        numbers.append(0)
    hours, minutes, seconds = [0, *numbers][-3:]
    return hours * 3600 + minutes * 60 + seconds


RULES = ModuleRules(check=_check, compute=_compute, dependent=frozenset({"Call_Duration"}))
