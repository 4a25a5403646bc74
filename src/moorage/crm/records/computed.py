"""What the CRM works out itself: names, expected revenue, line totals, closing times."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from moorage.crm.catalog import Module
from moorage.crm.store.contract import Row

# Reads the value a field will have after the write; writes one.
Get: TypeAlias = Callable[[str], Any]
Put: TypeAlias = Callable[[str, Any], None]


def compute(module: Module, row: Row, changed: set[str], now: int) -> None:
    """Bring the computed fields of a row up to date; `changed` names the fields that the caller set."""

    def get(name: str) -> Any:
        field = module.fields.get(name)
        return row.get(field.column) if field else None

    def put(name: str, value: Any) -> None:
        field = module.fields.get(name)
        if field is not None:
            row[field.column] = value

    if "Full_Name" in module.fields:
        put("Full_Name", _full_name(get))
    rule = _RULES.get(module.api_name)
    if rule is not None:
        rule(module, get, put, changed, now)


def _full_name(get: Get) -> str | None:
    parts = [get("Salutation"), get("First_Name"), get("Last_Name")]
    return " ".join(part for part in parts if part) or None


def _deal(module: Module, get: Get, put: Put, changed: set[str], _now: int) -> None:
    if "Stage" in changed and "Probability" not in changed:
        put("Probability", module.fields["Stage"].probabilities.get(get("Stage"), get("Probability")))
    amount, probability = get("Amount"), get("Probability")
    known = amount is not None and probability is not None
    put("Expected_Revenue", round(amount * probability / 100, 2) if known else None)


def _task(_module: Module, get: Get, put: Put, changed: set[str], now: int) -> None:
    if "Status" in changed:
        put("Closed_Time", now if get("Status") == "Completed" else None)


def _call(_module: Module, get: Get, put: Put, changed: set[str], _now: int) -> None:
    if "Call_Duration" in changed and "Call_Duration_in_seconds" not in changed:
        put("Call_Duration_in_seconds", seconds(get("Call_Duration")))


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


def _note(_module: Module, get: Get, put: Put, _changed: set[str], _now: int) -> None:
    put("Associated_Id__s", get("Parent_Id"))


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


_RULES: dict[str, Callable[[Module, Get, Put, set[str], int], None]] = {
    "Deals": _deal,
    "Tasks": _task,
    "Calls": _call,
    "Notes": _note,
}
