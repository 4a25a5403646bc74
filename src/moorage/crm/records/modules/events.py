"""Events: when they end, and how many people take part [Z insert-records]."""

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.records.modules.rules import ModuleRules, PendingRecord

MAX_PARTICIPANTS = 50


def _check(event: PendingRecord) -> None:
    is_moved = event.sent_fields & {"Start_DateTime", "End_DateTime"}
    if is_moved and event.get("End_DateTime") < event.get("Start_DateTime"):
        details = {"dependee": event.details("Start_DateTime"), **event.details("End_DateTime")}
        message = "The End_DateTime can not be before the Start_DateTime."
        raise Fault(400, "DEPENDENT_MISMATCH", message, details)
    if "Participants" not in event.sent_fields:
        return
    if len(msgspec.json.decode(event.get("Participants") or "[]")) > MAX_PARTICIPANTS:
        details = {"maximum_length": MAX_PARTICIPANTS, **event.details("Participants")}
        message = f"Only {MAX_PARTICIPANTS} participants can be added to an event."
        raise Fault(400, "LIMIT_EXCEEDED", message, details)


RULES = ModuleRules(check=_check)
