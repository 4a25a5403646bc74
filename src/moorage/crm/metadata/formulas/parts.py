"""What the parts of a formula are worked out by: each is a function that calls those of its own parts."""

import operator
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import msgspec

from moorage.crm.metadata.formulas import arithmetic, moments
from moorage.crm.metadata.formulas.functions import Function, Kind
from moorage.crm.metadata.formulas.run import Run
from moorage.crm.metadata.json_numbers import exact

Value: TypeAlias = Callable[[Run], Any]
Stored: TypeAlias = Literal["real", "integer", "bigint", "text", "boolean", "date", "datetime"]

_ZERO = Decimal(0)
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Source(msgspec.Struct, frozen=True):
    """Where the value of a field is: its column, and how it is stored there."""

    column: str
    storage: Stored


class Part(msgspec.Struct, frozen=True):
    """`value` gives a Decimal, a str, a bool or a Moment, by the kind; None for a number or a moment that is missing.

    `may_be_left_out` says that a sum goes on without the value, as it is a field's.
    """

    kind: Kind
    value: Value
    may_be_left_out: bool = False


def constant(kind: Kind, value: Any) -> Part:
    return Part(kind, lambda _: value)


def field(source: Source, *, empty_is_zero: bool) -> Part:
    column = source.column
    match source.storage:
        case "text":
            return Part("text", lambda run: run.row.get(column) or "")
        case "boolean":
            return Part("boolean", lambda run: bool(run.row.get(column)))
        case "datetime":
            return Part("moment", lambda run: run.row.get(column))
        case "date":
            return Part("moment", lambda run: _date(run.row.get(column)))
    missing = _ZERO if empty_is_zero else None
    return Part("number", lambda run: _number(run.row.get(column), missing), may_be_left_out=True)


def _number(stored: float | None, missing: Decimal | None) -> Decimal | None:
    return missing if stored is None else exact(stored)


def _date(stored: str | None) -> date | None:
    return None if stored is None else date.fromisoformat(stored)


def opposite(operand: Part) -> Part:
    def value(run: Run) -> Decimal | None:
        number = operand.value(run)
        return None if number is None else arithmetic.opposite(number)

    return Part("number", value, operand.may_be_left_out)


def all_of(operands: Sequence[Part]) -> Part:
    return Part("boolean", lambda run: all(operand.value(run) for operand in operands))


def any_of(operands: Sequence[Part]) -> Part:
    return Part("boolean", lambda run: any(operand.value(run) for operand in operands))


def sum_of(operators: Sequence[str], operands: Sequence[Part]) -> Part:
    terms = [
        (arithmetic.added if sign == "+" else arithmetic.subtracted, operand)
        for sign, operand in zip(("+", *operators), operands, strict=True)
    ]

    def value(run: Run) -> Decimal | None:
        total: Decimal | None = None
        for operate, operand in terms:
            number = operand.value(run)
            if number is None:
                if not operand.may_be_left_out:
                    return None
                continue
            total = operate(total or _ZERO, number)
            if total is None:
                return None
        return total

    return Part("number", value)


def product_of(operators: Sequence[str], operands: Sequence[Part]) -> Part:
    """Also of quotients, remainders and powers."""
    first, *others = operands
    factors = list(zip(operators, others, strict=True))

    def value(run: Run) -> Decimal | None:
        result: Decimal | None = first.value(run)
        for sign, operand in factors:
            number = operand.value(run)
            if result is None or number is None:
                return None
            if sign == "^":
                run.spend_on_power()
            result = arithmetic.operated(sign, result, number)
        return result

    return Part("number", value)


def comparison(sign: str, left: Part, right: Part) -> Part:
    """An empty value equals an empty value only, and is neither less nor more than any."""
    test = _TESTS[sign]

    def value(run: Run) -> bool:
        first, second = left.value(run), right.value(run)
        if left.kind == "moment":
            first, second = moments.comparable(run.zone, first, second)
        if first is None or second is None:
            return sign in {"==", "!="} and test(first, second)
        return test(first, second)

    return Part("boolean", value)


def choice(condition: Part, then: Part, otherwise: Part) -> Part:
    return Part(then.kind, lambda run: then.value(run) if condition.value(run) else otherwise.value(run))


def call(function: Function, arguments: Sequence[Part]) -> Part:
    reads_text = any(argument.kind == "text" for argument in arguments)

    def value(run: Run) -> Any:
        values = [argument.value(run) for argument in arguments]
        if None in values and not function.takes_empty:
            values = _without_empty(values, arguments) if function.skips_empty else []
            if not values:
                return function.nothing
        if reads_text:
            run.spend(sum([len(value) for value in values if isinstance(value, str)]))
        if function.choices and values[-1].upper() not in function.choices:
            return function.nothing
        return function.work(run, *values) if function.needs_run else function.work(*values)

    return Part(function.gives, value)


def _without_empty(values: Sequence[Any], arguments: Sequence[Part]) -> list[Any]:
    """The values that are there. None at all if one is missing that may not be."""
    pairs = list(zip(values, arguments, strict=True))
    if any(value is None and not argument.may_be_left_out for value, argument in pairs):
        return []
    return [value for value in values if value is not None]
