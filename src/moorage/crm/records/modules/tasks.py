"""Tasks: when they were completed [Z insert-records]."""

from moorage.crm.records.modules.rules import ModuleRules, PendingRecord


def _compute(task: PendingRecord) -> None:
    if task.changes("Status"):
        task.set("Closed_Time", task.now if task.get("Status") == "Completed" else None)


RULES = ModuleRules(compute=_compute)
