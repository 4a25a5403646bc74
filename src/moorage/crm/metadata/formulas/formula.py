"""A formula that can be worked out for a record, which is done when the record is saved [Z formulas-are-saved]."""

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from moorage.crm.metadata.formulas import arithmetic, moments
from moorage.crm.metadata.formulas.checks import KIND_NAMES, FindSource, checked
from moorage.crm.metadata.formulas.errors import FormulaInvalid
from moorage.crm.metadata.formulas.functions import Kind
from moorage.crm.metadata.formulas.parser import parse
from moorage.crm.metadata.formulas.run import Run, TooMuch

RETURN_TYPES: dict[str, Kind] = {
    "double": "number",
    "currency": "number",
    "text": "text",
    "date": "moment",
    "datetime": "moment",
    "boolean": "boolean",
}


class Result(msgspec.Struct, frozen=True):
    """What a formula gives: a value for a column of that type; `decimals` is for numbers."""

    return_type: str
    length: int
    decimals: int = 0


class Formula(msgspec.Struct, frozen=True):
    """`columns` are those that the formula reads."""

    columns: frozenset[str]
    result: Result
    _value: Callable[[Run], Any]

    def value(self, row: Mapping[str, Any], zone: ZoneInfo, now: int) -> Any:
        """The value for the formula's own column, from the values of a record by columns; `now` is in seconds.

        None, or 0 for a boolean, if there is none: something is missing, can't be worked out or does not fit.
        """
        run = Run(row, zone, now)
        try:
            value = self._value(run)
        except TooMuch:
            value = None
        if self.result.return_type == "boolean":
            return int(value or False)
        return None if value is None else self._fitted(value, zone)

    def _fitted(self, value: Any, zone: ZoneInfo) -> Any:
        match self.result.return_type:
            case "text":
                return value if 0 < len(value) <= self.result.length else None
            case "date":
                day = moments.day(zone, value)
                return None if day is None else day.isoformat()
            case "datetime":
                return moments.seconds(zone, value)
        return arithmetic.fitted(value, self.result.length, self.result.decimals)


def formula(expression: str, source: FindSource, result: Result, *, empty_is_zero: bool = False) -> Formula:
    """The formula of an expression. `source` finds the fields; with `empty_is_zero`, numbers that are missing are 0.

    Raises FormulaInvalid, and nothing else.
    """
    part, columns = checked(parse(expression), source, empty_is_zero=empty_is_zero)
    wanted = RETURN_TYPES[result.return_type]
    if part.kind != wanted:
        reason = (
            f"The expression gives {KIND_NAMES[part.kind]}, and the field is to hold {KIND_NAMES[wanted]}."
        )
        raise FormulaInvalid(reason, 1)
    return Formula(columns, result, part.value)
