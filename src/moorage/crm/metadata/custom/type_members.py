"""The members of a field that only some types have, such as the options of a picklist or the start of an autonumber."""

from typing import Any

from moorage.crm.metadata.custom.formula_fields import changed_formula
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.types import MOST_DECIMALS, PICK_LISTS
from moorage.crm.metadata.documents import Body

TEXTAREAS = {"small": 2000, "large": 32_000, "rich_text": 50_000}  # The length of each kind.
_ROUNDING = ("normal", "round_off", "round_up", "round_down")


def members_of_type(spec: JsonObject, data_type: str, length: int, body: Body | None = None) -> Body:
    """The members that only some types have. For a change of `body`, only those that it changes."""
    more: Body = {}
    if (tooltip := spec.inner("tooltip")) is not None:
        more["tooltip"] = _tooltip(tooltip)
    if data_type in PICK_LISTS:
        for name in ("pick_list_values_sorted_lexically", "enable_colour_code"):
            if body is None or name in spec:
                more[name] = spec.boolean(name)
    if data_type in {"integer", "bigint", "double"} and "separator" in spec:
        more["separator"] = spec.boolean("separator")
    if data_type == "currency" and (body is None or "currency" in spec):
        more["currency"] = _currency(spec)
    if data_type == "formula" and body is not None:
        more["formula"] = changed_formula(spec, body)
    if data_type == "autonumber" and body is None:
        more["auto_number"] = _auto_number(spec)
    if data_type == "textarea":
        more["textarea"] = {"type": next(kind for kind, most in TEXTAREAS.items() if most == length)}
    return more


def _tooltip(tooltip: JsonObject) -> Body:
    longest = {"static_text": 35, "info_icon": 255}
    name = tooltip.text("name", 20)
    if name not in longest:
        raise tooltip.invalid("name", supported_values=list(longest))
    value = tooltip.text("value", longest[name])
    if value is None:
        raise tooltip.missing("value")
    return {"name": name, "value": value}


def _currency(spec: JsonObject) -> Body:
    currency = spec.inner("currency")
    rounding = currency.text("rounding_option", 20) if currency is not None else None
    precision = currency.whole_number("precision") if currency is not None else None
    if currency is not None and rounding not in (None, *_ROUNDING):
        raise currency.invalid("rounding_option", supported_values=list(_ROUNDING))
    if currency is not None and precision is not None and not 0 <= precision <= MOST_DECIMALS:
        raise currency.invalid("precision", range={"from": 0, "to": MOST_DECIMALS})
    return {"rounding_option": rounding or "normal", "precision": 2 if precision is None else precision}


def _auto_number(spec: JsonObject) -> Body:
    numbers = spec.inner("auto_number")
    if numbers is None:
        raise spec.fault("DEPENDENT_FIELD_MISSING", "dependent field missing", "auto_number")
    if spec.boolean("_update_existing_records") or numbers.boolean("_update_existing_records"):
        raise spec.fault("NOT_SUPPORTED", "records that are there get no number", "_update_existing_records")
    start: Any = numbers.raw("start_number")
    if isinstance(start, str) and start.isascii() and start.isdigit() and len(start) <= 15:
        start = int(start)
    if start is None:
        raise numbers.missing("start_number")
    if not isinstance(start, int) or isinstance(start, bool) or not 0 <= start < 10**15:
        raise numbers.invalid("start_number", expected_data_type="bigint")
    return {"prefix": numbers.text("prefix", 50), "suffix": numbers.text("suffix", 50), "start_number": start}
