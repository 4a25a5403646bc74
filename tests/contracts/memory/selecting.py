"""Selections over rows: what every other storage has to give, in as few words as it can be said."""

from functools import cmp_to_key

from moorage.crm.query.selection import Aggregated, Column, Sort
from moorage.crm.storage.contract.aggregates import MOST_PLACES
from tests.contracts.memory.aggregates import AGGREGATES
from tests.contracts.memory.conditions import folded

NO_ROW = {}


class Selecting:
    def __init__(self, selection, contents, shown) -> None:
        self._selection = selection
        self._contents = contents
        self._shown = shown

    def results(self, rows):
        """All records or groups in their order, as they are shown."""
        selection = self._selection
        if selection.groups is None:
            sorts = [*selection.orders, Sort(Column(selection.module.fields["id"]))]
            found = [[row] for row in rows]
        else:
            sorts = [*selection.orders, *map(Sort, selection.groups)]
            found = self._groups(rows)
        found.sort(key=cmp_to_key(lambda one, other: self._compared(sorts, one, other)))
        return [{each.key: self._show(each.value, group) for each in selection.shown} for group in found]

    def _groups(self, rows):
        if not self._selection.groups:
            return [rows]
        groups = {}
        for row in rows:
            key = tuple(folded(self._value(column, [row])) for column in self._selection.groups)
            groups.setdefault(key, []).append(row)
        return list(groups.values())

    def _value(self, value, group):
        """The value of a group; a record is a group of one."""
        if isinstance(value, Column):
            texts = [text for row in group if (text := self._of_row(value, row)) is not None]
            return min(texts, default=None)
        held = [held for row in group if (held := self._of_row(value.column, row)) is not None]
        if value.function == "count":
            return len(held)
        return AGGREGATES[value.function](held, MOST_PLACES) if held else None

    def _of_row(self, column, row):
        value = self._behind(column, row).get(column.field.column)
        return value if column.texts is None else dict(column.texts).get(value)

    def _behind(self, column, row):
        for step in column.way:
            row = self._contents.table(step.module).get(row.get(step.lookup.column), NO_ROW)
        return row

    def _show(self, value, group):
        held = self._value(value, group)
        column = value.column if isinstance(value, Aggregated) else value
        plain = isinstance(value, Aggregated) and value.function not in {"min", "max"}
        if plain or column.texts is not None:
            return held
        return self._shown.drawn(column.field, held, self._module(column, group), named=self._selection.named)

    def _module(self, column, group):
        """Of a lookup into several modules: a row with the number of the module."""
        if not column.field.lookup_modules:
            return NO_ROW
        name = column.field.module_column
        numbers = [number for row in group if (number := self._behind(column, row).get(name)) is not None]
        return {name: min(numbers, default=None)}

    def _compared(self, sorts, one, other):
        for sort in sorts:
            ranks = [self._rank(sort.value, group) for group in (one, other)]
            if ranks[0] != ranks[1]:
                return (1 if ranks[0] > ranks[1] else -1) * (-1 if sort.descending else 1)
        return 0

    def _rank(self, value, group):
        held = self._value(value, group)
        return (held is not None, 0 if held is None else folded(held))
