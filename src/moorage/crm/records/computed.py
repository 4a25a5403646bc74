"""What the CRM works out itself: names, expected revenue, line totals, closing times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.contract.records import Row


@dataclass(slots=True)
class Written:
    """A row about to be written, and `old`, the row before. `given` names the fields the caller set."""

    module: Module
    row: Row
    given: set[str]
    old: Row
    now: int

    def get(self, name: str) -> Any:
        field = self.module.fields.get(name)
        return self.row.get(field.column) if field else None

    def put(self, name: str, value: Any) -> None:
        field = self.module.fields.get(name)
        if field is not None:
            self.row[field.column] = value

    def changes(self, name: str) -> bool:
        """Whether the caller set the field to another value than it had."""
        if name not in self.given:
            return False
        column = self.module.fields[name].column
        return bool(self.row.get(column) != self.old.get(column))


def compute(module: Module, row: Row, given: set[str], old: Row, now: int) -> None:
    """Bring the computed fields of a row up to date; `old` is the row before, empty for a new one."""
    written = Written(module, row, given, old, now)
    if "Full_Name" in module.fields:
        written.put("Full_Name", _full_name(written))
    rule = _RULES.get(module.api_name)
    if rule is not None:
        rule(written)


def _full_name(written: Written) -> str | None:
    parts = [written.get(name) for name in ("Salutation", "First_Name", "Last_Name")]
    return " ".join(part for part in parts if part) or None


def _deal(deal: Written) -> None:
    if deal.changes("Stage") and "Probability" not in deal.given:
        usual = deal.module.fields["Stage"].probabilities
        deal.put("Probability", usual.get(deal.get("Stage"), deal.get("Probability")))
    amount, probability = deal.get("Amount"), deal.get("Probability")
    known = amount is not None and probability is not None
    deal.put("Expected_Revenue", round(amount * probability / 100, 2) if known else None)


def _task(task: Written) -> None:
    if task.changes("Status"):
        task.put("Closed_Time", task.now if task.get("Status") == "Completed" else None)


def _call(call: Written) -> None:
    if call.changes("Call_Duration") and "Call_Duration_in_seconds" not in call.given:
        call.put("Call_Duration_in_seconds", seconds(call.get("Call_Duration")))


def seconds(duration: str | None) -> int | None:
    """`10` is ten minutes, `10:30` ten and a half, `1:10:30` an hour more."""
    parts = (duration or "").split(":")
    if not 1 <= len(parts) <= 3 or not all(p.isascii() and p.isdigit() and len(p) <= 6 for p in parts):
        return None
    numbers = [int(p) for p in parts]
    if len(numbers) == 1:
        numbers.append(0)
    hours, minutes, seconds = [0, *numbers][-3:]
    return hours * 3600 + minutes * 60 + seconds


def _note(note: Written) -> None:
    note.put("Associated_Id__s", note.get("Parent_Id"))


def line_item(module: Module, row: Row) -> None:
    """The totals of one line of a quote, an order or an invoice."""

    def value(name: str) -> float:
        return float(row.get(module.fields[name].column) or 0)

    if "Net_Total" not in module.fields:
        return
    total = round(value("Quantity") * value("List_Price"), 2)
    after_discount = round(total - value("Discount"), 2)
    row[module.fields["Total"].column] = total
    row[module.fields["Total_After_Discount"].column] = after_discount
    row[module.fields["Net_Total"].column] = round(after_discount + value("Tax"), 2)


def totals(module: Module, row: Row, lines: Module, rows: Sequence[Row]) -> None:
    """The sums of a quote, an order or an invoice over its lines."""
    if "Sub_Total" not in module.fields or "Net_Total" not in lines.fields:
        return
    net = lines.fields["Net_Total"].column
    subtotal = round(sum(line.get(net) or 0 for line in rows), 2)
    row[module.fields["Sub_Total"].column] = subtotal
    if "Grand_Total" in module.fields:
        added = sum(_number(module, row, name) for name in ("Tax", "Adjustment", "Excise_Duty"))
        grand = subtotal + added - _number(module, row, "Discount")
        row[module.fields["Grand_Total"].column] = round(grand, 2)


def _number(module: Module, row: Row, name: str) -> float:
    field = module.fields.get(name)
    return float(row.get(field.column) or 0) if field else 0.0


_RULES: dict[str, Callable[[Written], None]] = {
    "Deals": _deal,
    "Tasks": _task,
    "Calls": _call,
    "Notes": _note,
}
