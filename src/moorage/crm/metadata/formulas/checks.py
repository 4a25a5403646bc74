"""A tree checked against the fields and functions that it names; what comes of it can be worked out for a record.

A field without a value makes everything empty that is worked out from it [Z empty-in-formulas]. But in a sum, and among
the numbers of Max() and Min(), it counts as nothing, as long as any of them has a value; and a comparison with it is
false, except with another empty one.
"""

from collections.abc import Callable
from typing import TypeAlias

from moorage.crm.metadata.formulas import parts
from moorage.crm.metadata.formulas.errors import FormulaInvalid
from moorage.crm.metadata.formulas.functions import FUNCTIONS, Function, Kind
from moorage.crm.metadata.formulas.parser import COMPARISONS, EQUAL
from moorage.crm.metadata.formulas.parts import Part, Source
from moorage.crm.metadata.formulas.tree import (
    Chain,
    FieldName,
    FunctionCall,
    Number,
    Opposite,
    Text,
    Tree,
    Truth,
)
from moorage.near import did_you_mean

KIND_NAMES: dict[Kind, str] = {
    "number": "a number",
    "text": "a text",
    "boolean": "true or false",
    "moment": "a date or time",
}
# The source of the field that an expression names, or a sentence which says why there is none.
FindSource: TypeAlias = Callable[[str], Source | str]


def checked(tree: Tree, source: FindSource, *, empty_is_zero: bool) -> tuple[Part, frozenset[str]]:
    """The whole formula, and the columns that it reads. Raises FormulaInvalid."""
    check = _Check(source, empty_is_zero=empty_is_zero)
    part = check.part(tree)
    return part, frozenset(check.columns)


class _Check:
    def __init__(self, source: FindSource, *, empty_is_zero: bool) -> None:
        self._source = source
        self._empty_is_zero = empty_is_zero
        self.columns: set[str] = set()

    def part(self, tree: Tree) -> Part:
        match tree:
            case Number(value):
                return parts.constant("number", value)
            case Text(value):
                return parts.constant("text", value)
            case Truth(value):
                return parts.constant("boolean", value)
            case FieldName():
                return self._field(tree)
            case Opposite(operand):
                return parts.opposite(self._of_kind(operand, "number", "A sign stands before"))
            case Chain():
                return self._chain(tree)
        return self._call(tree)

    def _field(self, name: FieldName) -> Part:
        source = self._source(name.name)
        if isinstance(source, str):
            raise FormulaInvalid(source, name.position, name.name)
        self.columns.add(source.column)
        return parts.field(source, empty_is_zero=self._empty_is_zero)

    def _of_kind(self, tree: Tree, kind: Kind, what: str) -> Part:
        part = self.part(tree)
        if part.kind != kind:
            reason = f"{what} {KIND_NAMES[kind]}, and not {KIND_NAMES[part.kind]}.{_advice(kind, part.kind)}"
            raise FormulaInvalid(reason, tree.position)
        return part

    def _chain(self, chain: Chain) -> Part:
        operator = chain.operators[0]
        if operator in COMPARISONS:
            return self._comparison(chain, operator)
        kind: Kind = "boolean" if operator in {"&&", "||"} else "number"
        operands = [
            self._of_kind(operand, kind, f"On each side of {operator} stands") for operand in chain.operands
        ]
        match operator:
            case "&&":
                return parts.all_of(operands)
            case "||":
                return parts.any_of(operands)
            case "+" | "-":
                return parts.sum_of(chain.operators, operands)
        return parts.product_of(chain.operators, operands)

    def _comparison(self, chain: Chain, operator: str) -> Part:
        left, right = (self.part(operand) for operand in chain.operands)
        if left.kind != right.kind:
            reason = f"{operator} can't compare {KIND_NAMES[left.kind]} with {KIND_NAMES[right.kind]}."
            raise FormulaInvalid(reason, chain.operands[1].position)
        if operator not in {EQUAL, "!="} and left.kind in {"text", "boolean"}:
            reason = f"{operator} compares numbers, dates and times, and not {KIND_NAMES[left.kind]}."
            raise FormulaInvalid(reason, chain.position)
        return parts.comparison(operator, left, right)

    def _call(self, call: FunctionCall) -> Part:
        if call.function == "If":
            return self._choice(call)
        function = FUNCTIONS.get(call.function)
        if function is None:
            reason = f"There is no function {call.function}()."
            reason += did_you_mean(call.function, [*FUNCTIONS, "If"])
            raise FormulaInvalid(reason, call.position, call.function)
        _require_count(call, *function.counts)
        arguments = []
        for place, argument in enumerate(call.arguments):
            kind = function.takes[min(place, len(function.takes) - 1)]
            what = f"Argument {place + 1} of {call.function}() has to be"
            arguments.append(self.part(argument) if kind == "any" else self._of_kind(argument, kind, what))
        if function.choices:
            _require_choice(call, function)
        return parts.call(function, arguments)

    def _choice(self, call: FunctionCall) -> Part:
        _require_count(call, 3, 3)
        condition = self._of_kind(call.arguments[0], "boolean", "Argument 1 of If() has to be")
        then = self.part(call.arguments[1])
        what = "Argument 3 of If() has to be, like argument 2,"
        return parts.choice(condition, then, self._of_kind(call.arguments[2], then.kind, what))


def _require_count(call: FunctionCall, least: int, most: int | None) -> None:
    count = len(call.arguments)
    if least <= count and (most is None or count <= most):
        return
    wanted = f"{least}" if least == most else f"at least {least}" if most is None else f"{least} or {most}"
    arguments = "argument" if wanted.endswith(" 1") or wanted == "1" else "arguments"
    reason = f"{call.function}() takes {wanted} {arguments}, and not {count}."
    raise FormulaInvalid(reason, call.position, call.function)


def _require_choice(call: FunctionCall, function: Function) -> None:
    """Of a text that stands in the expression itself, it is known already whether it is possible."""
    choice = call.arguments[-1]
    if isinstance(choice, Text) and choice.value.upper() not in function.choices:
        reason = f"The last argument of {call.function}() is one of {', '.join(function.choices)}."
        raise FormulaInvalid(reason, choice.position, choice.value)


def _advice(wanted: Kind, kind: Kind) -> str:
    if wanted == "text":
        return " Tostring() makes a text of it."
    if wanted == "number" and kind == "text":
        return " Concat() joins texts."
    if wanted == "number" and kind == "moment":
        return " Datecomp() gives the minutes between two times, Adddate() adds to one."
    return ""
