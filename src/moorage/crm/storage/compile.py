"""Conditions as SQL, for every engine that has SQL: a `Dialect` says what engines write differently.

Names of tables and columns come only from the catalog; every value of a caller is bound. The alias of a module's table
is `r`. Nothing is checked or counted here: `query/` has done that.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.query.tree import (
    AllOf,
    Among,
    AnyOf,
    Checked,
    Compare,
    Comparison,
    Digits,
    Empty,
    Equal,
    Fragment,
    Linked,
    Member,
    Named,
    Not,
    Phrase,
    Step,
    Through,
    WordStarts,
)
from moorage.crm.query.words import has_words
from moorage.crm.storage.contract.aggregates import Aggregate


class Clause(Struct, frozen=True):
    """A condition of a WHERE. `indexed` says that an index leads to the few records that can meet it.

    `text` says that it reads the full text, which takes as long as all its matches need, also for a short page. A
    clause that is only a query of the full text has it as `query`. A clause that is only a list of ids has the SELECT
    of these ids as `ids`.
    """

    sql: str
    params: tuple[object, ...]
    indexed: bool
    text: bool = False
    query: object | None = None
    ids: str | None = None


class Dialect(Protocol):
    """The SQL that an engine writes in its own way. `parameter` stands for a bound value.

    A `column` is any SQL expression. Text is compared regardless of (ASCII) case.
    """

    @property
    def parameter(self) -> str: ...

    @property
    def users(self) -> str:
        """The table of users."""

    def table(self, module: Module, *, whole: bool = False) -> str:
        """The table of a module's records. Only a `whole` one is certain to have more columns than id and name."""

    def equal(self, field: Field, column: str) -> str:
        """The condition that the field's column equals a parameter."""

    def same_text(self, column: str) -> str:
        """The condition that a text equals a parameter."""

    def ordered_text(self, column: str) -> str:
        """A text as it is compared and put in order."""

    def exact_text(self, column: str) -> str:
        """A text that is put in order by code points."""

    def like(self, column: str) -> str:
        """The condition that a text matches a parameter: a pattern with % and _, which a backslash escapes."""

    def items(self, column: str, key: str | None) -> tuple[str, str]:
        """A source of a JSON array's items for SELECT, and the text of an item: for objects, the value of the key."""

    def one_of(self, column: str) -> str:
        """The condition that an id is among those of a parameter, which holds them as the engine takes them."""

    def digits(self, column: str) -> str:
        """A phone number without the signs that don't count."""

    def is_indexed(self, field: Field) -> bool:
        """Whether an index leads to the records for which `equal` is true."""

    def is_listed(self, field: Field) -> bool:
        """Whether the engine uses this index only in a subquery."""

    def has_digits_indexed(self, field: Field) -> bool:
        """Whether an index leads to the records with a phone number. Such an index has no records without a number."""

    def phrase_query(self, field: Field, text: str, *, start: bool) -> object:
        """A query of the full text for a `Phrase`, in the engine's own form."""

    def word_starts_query(self, phrases: Sequence[str]) -> object:
        """A query of the full text for a `WordStarts`."""

    def matches(self, module: Module, query: object) -> tuple[str, tuple[object, ...]]:
        """The SELECT of the ids that match a query of the full text, and its parameters."""

    def sum(self, field: Field, column: str, only: str) -> str:
        """The exact sum of a field, as `Aggregate` has it. `only` stands behind the aggregate function, and once."""

    def average(self, column: str, places: int, only: str) -> str:
        """The average of a column, as `Aggregate` has it. `only` is as in `sum`."""


def listed(ids: str, params: tuple[object, ...]) -> Clause:
    """The clause for records whose ids are known, or come from an index."""
    return Clause(f"r.id IN ({ids})", params, indexed=True, ids=ids)


def compile_present(module: Module, record: int, dialect: Dialect) -> Clause:
    """Whether there is a record of a module."""
    sql = f"EXISTS (SELECT 1 FROM {dialect.table(module)} p WHERE p.id = {dialect.parameter})"
    return Clause(sql, (record,), indexed=True)


def compile_tree(checked: Checked, module: Module, catalog: Catalog, dialect: Dialect) -> Clause:
    """The records of the module that meet the conditions."""
    return _Compiler(module, catalog, dialect).clause(checked)


def compile_aggregate(aggregate: Aggregate, module: Module, catalog: Catalog, dialect: Dialect) -> Clause:
    """The value over a group of the module's records, as an expression."""
    if aggregate.criteria is None:
        return _scan(_value(aggregate, dialect, ""))
    criteria = compile_tree(aggregate.criteria, module, catalog, dialect)
    return _scan(_value(aggregate, dialect, f" FILTER (WHERE {criteria.sql})"), *criteria.params)


def compile_groups(
    module: Module, lookup: Field, wanted: Sequence[Aggregate], catalog: Catalog, dialect: Dialect
) -> tuple[str, tuple[object, ...]]:
    """The SELECT of what a lookup points to and each aggregate, and its parameters. Then one follows: the ids."""
    values = [compile_aggregate(aggregate, module, catalog, dialect) for aggregate in wanted]
    pointer = f"r.{lookup.column}"
    sql = (
        f"SELECT {', '.join([pointer, *(value.sql for value in values)])} FROM {dialect.table(module)} r"
        f" WHERE {dialect.one_of(pointer)} GROUP BY {pointer}"
    )
    return sql, tuple(param for value in values for param in value.params)


def _value(aggregate: Aggregate, dialect: Dialect, only: str) -> str:
    if aggregate.field is None:
        return f"count(*){only}"
    column = f"r.{aggregate.field.column}"
    match aggregate.function:
        case "sum":
            return dialect.sum(aggregate.field, column, only)
        case "average":
            return dialect.average(column, aggregate.places, only)
    return f"{aggregate.function}({column}){only}"


def _pattern(text: str) -> str:
    for sign in "\\%_":
        text = text.replace(sign, f"\\{sign}")
    return text


class _Compiler:
    def __init__(self, module: Module, catalog: Catalog, dialect: Dialect) -> None:
        self._module = module
        self._catalog = catalog
        self._dialect = dialect

    def clause(self, checked: Checked) -> Clause:
        match checked:
            case AllOf(parts):
                return self._all([self.clause(part) for part in parts])
            case AnyOf(parts):
                return self._any([self.clause(part) for part in parts])
            case Not(part):
                inner = self.clause(part)
                return Clause(f"({inner.sql}) IS NOT TRUE", inner.params, indexed=False, text=inner.text)
            case Linked(rows, own, connected, record):
                return self._linked(rows, own, connected, record)
            case Through(step, part):
                return self._through(step, part)
            case Among(field, module, column, part):
                return self._among(field, module, column, part)
            case comparison:
                return self._comparison(comparison)

    def _comparison(self, comparison: Comparison) -> Clause:
        match comparison:
            case Empty(field):
                return _scan(f"r.{field.column} IS NULL")
            case Equal(field, value):
                return self._equal(field, value)
            case Compare(field, order, value):
                return _scan(f"r.{field.column} {order} {self._dialect.parameter}", value)
            case Phrase(field, text, start):
                return self._matching(self._dialect.phrase_query(field, text, start=start))
            case WordStarts(phrases):
                return self._matching(self._dialect.word_starts_query(phrases))
            case Fragment(field, text, place):
                return self._fragment(field, text, place)
            case Member(field, text, start):
                return self._member(field, text, start=start)
            case Digits(field, digits, start):
                return self._digits(field, digits, start=start)
            case Named(field, name):
                return self._named(field, name)

    def _through(self, step: Step, part: Checked) -> Clause:
        # Inside the parentheses, `r` is the record that the lookup leads to.
        inner = compile_tree(part, step.module, self._catalog, self._dialect)
        table = self._dialect.table(step.module, whole=True)
        sql = f"r.{step.lookup.column} IN (SELECT r.id FROM {table} r WHERE {inner.sql})"
        return Clause(
            sql,
            inner.params,
            indexed=inner.indexed and self._dialect.is_indexed(step.lookup),
            text=inner.text,
        )

    def _among(self, field: Field, module: Module, column: Field, part: Checked | None) -> Clause:
        inner = None if part is None else compile_tree(part, module, self._catalog, self._dialect)
        value, others = f"r.{field.column}", f"r.{column.column}"
        if field.storage == "text":
            value, others = self._dialect.ordered_text(value), self._dialect.ordered_text(others)
        where, params = ("", ()) if inner is None else (f" WHERE {inner.sql}", inner.params)
        sql = f"{value} IN (SELECT {others} FROM {self._dialect.table(module, whole=True)} r{where})"
        indexed = inner is not None and inner.indexed and self._dialect.is_indexed(field)
        return Clause(sql, params, indexed=indexed, text=inner is not None and inner.text)

    def _all(self, parts: list[Clause]) -> Clause:
        text = any(part.text for part in parts)
        return _joined(" AND ", parts, indexed=any(part.indexed for part in parts) and not text)

    def _any(self, parts: list[Clause]) -> Clause:
        lists = [part.ids for part in parts if part.ids is not None]
        if parts and len(lists) == len(parts):
            return listed(" UNION ALL ".join(lists), tuple(value for part in parts for value in part.params))
        return _joined(" OR ", parts, indexed=all(part.indexed for part in parts))

    def _equal(self, field: Field, value: object) -> Clause:
        if self._dialect.is_listed(field):
            equal = self._dialect.equal(field, f"x.{field.column}")
            table = self._dialect.table(self._module)
            return listed(f"SELECT x.id FROM {table} x WHERE {equal}", (value,))
        equal = self._dialect.equal(field, f"r.{field.column}")
        return Clause(equal, (value,), indexed=self._dialect.is_indexed(field))

    def _matching(self, query: object) -> Clause:
        ids, params = self._dialect.matches(self._module, query)
        return Clause(f"r.id IN ({ids})", params, indexed=False, text=True, query=query)

    def _fragment(self, field: Field, text: str, place: str) -> Clause:
        before = "" if place == "start" else "%"
        after = "" if place == "end" else "%"
        return _scan(self._dialect.like(f"r.{field.column}"), before + _pattern(text) + after)

    def _member(self, field: Field, text: str, *, start: bool) -> Clause:
        items, item = self._dialect.items(f"r.{field.column}", "name" if field.storage == "tags" else None)
        test = self._dialect.like(item) if start else self._dialect.same_text(item)
        return _scan(f"EXISTS (SELECT 1 FROM {items} WHERE {test})", f"{_pattern(text)}%" if start else text)

    def _digits(self, field: Field, digits: str, *, start: bool) -> Clause:
        column, parameter = f"r.{field.column}", self._dialect.parameter
        number = self._dialect.digits(column)
        if start:
            sql = f"{number} >= {parameter} AND {number} < {parameter}"
            return _scan(sql, digits, f"{digits}\U0010ffff")
        # The index has no records without a number, and is used only if the query excludes them as well.
        sql = f"{column} IS NOT NULL AND {number} = {parameter}"
        return Clause(sql, (digits,), indexed=self._dialect.has_digits_indexed(field))

    def _linked(self, rows: Module, own: Field, connected: Field, record: int) -> Clause:
        pointing = f"x.{own.column} = {self._dialect.parameter} AND x.{connected.column} IS NOT NULL"
        return listed(
            f"SELECT x.{connected.column} FROM {self._dialect.table(rows)} x WHERE {pointing}", (record,)
        )

    def _named(self, field: Field, name: str) -> Clause:
        column = f"r.{field.column}"
        if field.storage == "user":
            tests = f"{self._dialect.same_text('u.full_name')} OR {self._dialect.same_text('u.email')}"
            users = f"SELECT u.id FROM {self._dialect.users} u WHERE {tests}"
            return _scan(f"{column} IN ({users})", name, name)
        return self._any([self._named_in(target, column, name) for target in self._catalog.named_by(field)])

    def _named_in(self, target: tuple[Module, Field], column: str, name: str) -> Clause:
        module, display = target
        same = self._dialect.same_text(f"x.{display.column}")
        sql = f"SELECT x.id FROM {self._dialect.table(module)} x WHERE {same}"
        if not (display.in_full_text and has_words(name)):
            return _scan(f"{column} IN ({sql})", name)
        # The full text finds the candidates, because names have no index.
        ids, params = self._dialect.matches(module, self._dialect.phrase_query(display, name, start=False))
        return Clause(f"{column} IN ({sql} AND x.id IN ({ids}))", (name, *params), indexed=False, text=True)


def _scan(sql: str, *params: object) -> Clause:
    return Clause(sql, params, indexed=False)


def _joined(keyword: str, parts: list[Clause], *, indexed: bool) -> Clause:
    if not parts:
        return Clause("FALSE", (), indexed=True)
    sql = keyword.join(f"({part.sql})" for part in parts)
    params = tuple(value for part in parts for value in part.params)
    return Clause(sql, params, indexed=indexed, text=any(part.text for part in parts))
