"""Notes: a title or a content is enough, and all together are for administrators [Z get-notes]."""

from moorage.crm.faults import Fault
from moorage.crm.records.modules.rules import ModuleRules, PendingRecord


def _check(note: PendingRecord) -> None:
    if not (note.get("Note_Content") or "").strip() and not (note.get("Note_Title") or "").strip():
        expected = [note.details(name) for name in ("Note_Content", "Note_Title")]
        message = "should contain either content or title"
        raise Fault(400, "EXPECTED_FIELD_MISSING", message, {"expected_fields": expected})


def _compute(note: PendingRecord) -> None:
    note.set("Associated_Id__s", note.get("Parent_Id"))


RULES = ModuleRules(
    check=_check,
    compute=_compute,
    dependent=frozenset({"Note_Content"}),
    usual_order=("Created_Time", "asc"),  # Notes are read as they were written, everything else newest first.
    for_administrators=True,
)
