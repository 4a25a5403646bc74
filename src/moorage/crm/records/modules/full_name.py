"""The full name of a person, for the modules whose records are people."""

from moorage.crm.records.modules.rules import PendingRecord


def set_full_name(person: PendingRecord) -> None:
    parts = [person.get(name) for name in ("Salutation", "First_Name", "Last_Name")]
    person.set("Full_Name", " ".join(part for part in parts if part) or None)
