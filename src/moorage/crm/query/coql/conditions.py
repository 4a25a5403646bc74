"""The conditions of a query, checked and lowered to the tree that stores know.

As in views, a record without a value meets `!=`, `not in`, `not like` and `not between`.
"""

from collections.abc import Mapping, Sequence

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field
from moorage.crm.query.compare import (
    CURRENT_USER,
    EMPTY,
    NOT_EMPTY,
    FieldUnfit,
    NotComparable,
    OperatorUnfit,
    ValueUnfit,
    compare,
)
from moorage.crm.query.coql.columns import Asker, Columns
from moorage.crm.query.coql.faults import invalid_query, invalid_value, limit_exceeded
from moorage.crm.query.coql.joining import EVERYTHING, NOTHING, behind, joined
from moorage.crm.query.coql.sources import module_of, view_of
from moorage.crm.query.coql.syntax import Comparison, Condition, Joined, Query
from moorage.crm.query.operands import EXPECTED
from moorage.crm.query.selection import Column
from moorage.crm.query.texts import folded
from moorage.crm.query.tree import AllOf, Among, AnyOf, Checked, Empty, Equal, Fragment, Member, Not

Answers = Mapping[int, Sequence[str]]  # By `id` of a subquery, its values.

_COMPARATORS = {
    "=": "equal",
    "<": "less_than",
    "<=": "less_equal",
    ">": "greater_than",
    ">=": "greater_equal",
    "in": "in",
    "between": "between",
}
_POSITIVE = {
    "!=": "=",
    "not like": "like",
    "not in": "in",
    "not between": "between",
    "is not null": "is null",
}
_LONG_TEXT = 2_000  # Characters. Conditions can't ask for text areas that may have more.
_POINTERS = frozenset({"lookup", "user"})
# Values of one kind can be compared, whatever fields they are of.
_KINDS = {"id": "id", "lookup": "id", "integer": "number", "bigint": "number", "real": "number"}


def lowered(condition: Condition, columns: Columns, asker: Asker, answers: Answers) -> Checked:
    """The tree of a condition. Raises the Fault for what can't be compared."""
    require_few(condition, asker)
    return _Conditions(columns, asker, answers).lowered(condition)


def require_few(condition: Condition, asker: Asker) -> None:
    if len(comparisons(condition)) > asker.limits.conditions:
        raise limit_exceeded("where", asker.limits.conditions)


def comparisons(condition: Condition) -> list[Comparison]:
    """All comparisons of a condition in the order of the text, without those of subqueries."""
    if isinstance(condition, Comparison):
        return [condition]
    return [comparison for part in condition.parts for comparison in comparisons(part)]


class _Conditions:
    def __init__(self, columns: Columns, asker: Asker, answers: Answers) -> None:
        self._columns = columns
        self._asker = asker
        self._answers = answers

    def lowered(self, condition: Condition) -> Checked:
        if isinstance(condition, Joined):
            return joined(condition.keyword, [self.lowered(part) for part in condition.parts])
        column = self._columns.compared(condition.column.text)
        operator = _POSITIVE.get(condition.operator, condition.operator)
        _require_comparable(column, condition)
        positive = self._positive(column, operator, condition)
        if operator == condition.operator:
            return behind(column.way, positive)
        if operator != "in" and self._is_unknown(condition):
            return NOTHING
        return behind(column.way, Not(positive))

    def _positive(self, column: Column, operator: str, comparison: Comparison) -> Checked:
        if operator == "is null":
            if column.texts is not None:
                return Not(_pointing(column, [number for number, _ in column.texts]))
            return NOTHING if column.field.storage == "id" and not column.way else Empty(column.field)
        if isinstance(comparison.values, Query) and id(comparison.values) not in self._answers:
            return self._among(column, comparison, comparison.values)
        values = self._values(comparison)
        if not values:
            return NOTHING
        if column.texts is not None:
            return _of_texts(column, operator, values, comparison)
        try:
            return self._compared(column.field, operator, values)
        except OperatorUnfit:
            raise _unfit(comparison) from None
        except FieldUnfit:
            raise _unsupported(comparison) from None
        except NotComparable:
            raise _invalid(column.field, comparison, values) from None

    def _values(self, comparison: Comparison) -> list[str]:
        values = comparison.values
        known = self._answers[id(values)] if isinstance(values, Query) else values
        limit = self._asker.limits.values
        if len(known) > limit:
            raise limit_exceeded("in", limit, column_name=comparison.column.text)
        return list(known)

    def _is_unknown(self, comparison: Comparison) -> bool:
        """Whether it compares with a subquery that gave nothing."""
        values = comparison.values
        return isinstance(values, Query) and self._answers.get(id(values)) == []

    def _compared(self, field: Field, operator: str, values: list[str]) -> Checked:
        """Raises NotComparable."""
        if operator == "like":
            return _like(field, values[0])
        comparator = _COMPARATORS[operator]
        if field.storage in _POINTERS:
            for value in values:
                if not _is_pointer(field, value):
                    raise ValueUnfit(field, value)
        if field.storage == "list" and operator == "=":
            items = [item.strip() for item in values[0].split(";") if item.strip()]
            if len(items) > 1:
                return AllOf(tuple(Member(field, item) for item in items))
        return compare(field, comparator, values, self._asker.context)

    def _among(self, column: Column, comparison: Comparison, query: Query) -> Checked:
        module = module_of(query, self._asker)
        columns = Columns(module, self._asker)
        name = query.items[0].value.text
        wanted = columns.compared(name)  # It has no way: else the subquery is asked before.
        if _kind(wanted) != _kind(column) or column.texts is not None or wanted.texts is not None:
            raise invalid_value(comparison.column.text, EXPECTED.get(column.field.storage), name)
        conditions = lowered(query.condition, columns, self._asker, self._answers)
        columns.require_few_joins()
        view = view_of(query, module, self._asker)
        part = joined("and", [conditions] if view is None else [view, conditions])
        return Among(column.field, module, wanted.field, None if part == EVERYTHING else part)


def _require_comparable(column: Column, comparison: Comparison) -> None:
    field = column.field
    is_long = field.data_type == "textarea" and (field.length or 0) > _LONG_TEXT
    if is_long or field.storage == "json":
        raise _unsupported(comparison)
    if field.storage == "boolean" and comparison.operator not in {"=", "!=", "is null", "is not null"}:
        raise _unfit(comparison)
    if comparison.operator == "not like" and isinstance(comparison.values, tuple):
        pattern = comparison.values[0]
        if len(pattern) < 2 or not (pattern.startswith("%") and pattern.endswith("%")):
            raise _invalid(field, comparison, [pattern])


def _like(field: Field, pattern: str) -> Checked:
    """A pattern has a % at its start, its end or both. Raises NotComparable."""
    if field.storage not in {"text", "list"}:
        raise OperatorUnfit(field.api_name, "like")
    before, after = pattern.startswith("%"), pattern.endswith("%") and len(pattern) > 1
    text = pattern[before : len(pattern) - after]
    if "%" in text:
        raise ValueUnfit(field, pattern)
    if not before and not after:
        return Member(field, text) if field.storage == "list" else Equal(field, text)
    if field.storage == "list" and not before:
        return Member(field, text, start=True)
    return Fragment(field, text, "anywhere" if before and after else "end" if before else "start")


def _of_texts(column: Column, operator: str, values: list[str], comparison: Comparison) -> Checked:
    """A comparison with what stands for the values of a field, which are known."""
    if operator not in {"=", "in", "like"}:
        raise _unfit(comparison)
    wanted = list(map(folded, values))
    texts = [(number, folded(text)) for number, text in column.texts or ()]
    if operator == "like":
        return _pointing(column, [number for number, text in texts if _is_like(text, wanted[0])])
    return _pointing(column, [number for number, text in texts if text in wanted])


def _is_like(text: str, pattern: str) -> bool:
    part, anywhere = pattern.strip("%"), pattern.startswith("%") and pattern.endswith("%")
    if anywhere:
        return part in text
    if pattern.startswith("%"):
        return text.endswith(part)
    return text.startswith(part) if pattern.endswith("%") else text == part


def _pointing(column: Column, numbers: Sequence[int]) -> Checked:
    return AnyOf(tuple(Equal(column.field, number) for number in numbers))


def _is_pointer(field: Field, value: str) -> bool:
    if value in {EMPTY, NOT_EMPTY}:
        return True
    return (value.isascii() and value.isdigit()) or (field.storage == "user" and value == CURRENT_USER)


def _kind(column: Column) -> str:
    return _KINDS.get(column.field.storage, column.field.storage)


def _unfit(comparison: Comparison) -> Fault:
    return invalid_query(
        "Invalid query formed",
        reason="invalid operator found",
        column_name=comparison.column.text,
        operator=comparison.operator,
    )


def _unsupported(comparison: Comparison) -> Fault:
    values = comparison.values if isinstance(comparison.values, tuple) else ()
    return invalid_query(
        "unsupported column in criteria",
        cv_criteria=False,
        column_name=comparison.column.text,
        value=values[0] if len(values) == 1 else list(values),
        operator=comparison.operator,
    )


def _invalid(field: Field, comparison: Comparison, values: list[str]) -> Fault:
    value = values[0] if len(values) == 1 else values
    expected = "Long" if field.storage in _POINTERS else EXPECTED.get(field.storage)
    return invalid_value(comparison.column.text, expected, value)
