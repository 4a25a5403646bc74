"""The values that a variable may have, by its type."""

from collections.abc import Callable
from datetime import date
from typing import Any

from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.times import instant
from moorage.crm.records.values import EMAIL, PHONE, WEBSITE

_LONGEST = {"text": 255, "textarea": 2_000, "email": 100, "phone": 30, "website": 450, "url": 450}
_MOST_DIGITS = {"integer": 9, "long": 18}


def check_value(spec: JsonObject, variable_type: Any) -> Any:
    """The value as it was sent; None for none. Raises the Fault of a type or a value that can't be."""
    if not isinstance(variable_type, str) or variable_type not in TYPES:
        raise spec.invalid("type", supported_values=list(TYPES))
    value = spec.raw("value")
    if value is None:
        return None
    longest = _LONGEST.get(variable_type)
    if longest is not None and isinstance(value, str) and len(value) > longest:
        raise spec.invalid("value", maximum_length=longest)
    if not TYPES[variable_type](value):
        raise spec.invalid("value", expected_data_type=variable_type)
    return value


def _text(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


def _like(pattern: Any) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _whole(kind: str) -> Callable[[Any], bool]:
    def is_whole(value: Any) -> bool:
        text = str(value).removeprefix("-")
        is_number = isinstance(value, str | int) and not isinstance(value, bool)
        return is_number and text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS[kind]

    return is_whole


def _number(value: Any) -> bool:
    """A number, or its text: at most 16 digits before the point and 9 behind it."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    whole, _, decimals = str(value).removeprefix("-").partition(".")
    digits = whole + decimals
    return bool(whole) and digits.isascii() and digits.isdigit() and len(whole) <= 16 and len(decimals) <= 9


def _date(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) == 10 and bool(date.fromisoformat(value))
    except ValueError:
        return False


TYPES: dict[str, Callable[[Any], bool]] = {
    "text": _text,
    "textarea": _text,
    "integer": _whole("integer"),
    "long": _whole("long"),
    "percent": _number,
    "double": _number,
    "decimal": _number,
    "currency": _number,
    "date": _date,
    "datetime": lambda value: isinstance(value, str) and instant(value) is not None,
    "email": _like(EMAIL),
    "phone": _like(PHONE),
    "website": _like(WEBSITE),
    "url": _like(WEBSITE),
    "checkbox": lambda value: isinstance(value, bool),
}
