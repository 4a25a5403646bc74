"""Conditions as SQL for SQLite. Only the catalog names tables and columns; every value of a caller is bound.

The SQL speaks of a module's table by the alias `r`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from moorage.crm.faults import Fault, param_invalid
from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.query import conditions
from moorage.crm.query.conditions import (
    PHONE_FORMATTING,
    AllOf,
    AnyOf,
    Checked,
    Compare,
    Comparison,
    Digits,
    Empty,
    Equal,
    Fragment,
    Member,
    Named,
    Not,
    Phrase,
)
from moorage.crm.query.search_criteria import LENGTH_LIMIT, storable
from moorage.crm.query.words import (
    CRITERIA_TERMS,
    WORD_TERMS,
    count_terms,
    distinct,
    has_terms,
    is_of_a_term,
    require_few,
)

_LOOKED_UP = frozenset(
    {"Created_Time", "Modified_Time"}
)  # Besides ids, e-mails, phones, lookups, unique fields.


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition of a WHERE. `indexed` says that an index leads to the few records that can meet it.

    `text` says that it reads the full text, which takes as long as there are matches, however few are wanted. A clause
    that is nothing but a query of the full text has that as `query`. One that is nothing but a list of ids has the
    SELECT that gives them as `ids`.
    """

    sql: str
    params: tuple[object, ...]
    indexed: bool
    text: bool = False
    query: str | None = None
    ids: str | None = None


def phone_digits(column: str) -> str:
    """SQL for a phone number without the signs that only format it."""
    for sign in PHONE_FORMATTING:
        column = f"replace({column},'{sign}','')"
    return column


# The names of the tables that hold a module's full text.
TextTables: TypeAlias = Callable[[Module], Sequence[str]]


def listed(ids: str, params: tuple[object, ...]) -> Clause:
    """Records whose ids an index gives."""
    return Clause(f"r.id IN ({ids})", params, indexed=True, ids=ids)


def compile_conditions(checked: Checked, module: Module, catalog: Catalog, texts: TextTables) -> Clause:
    """Raises Fault INVALID_QUERY for conditions with too many words."""
    return _Compiler(module, texts, catalog).clause(checked)


def word_clause(module: Module, words: str, texts: TextTables) -> Clause:
    """Records in whose text every word begins a word. Raises Fault naming `word`, or for too many."""
    if len(words) > LENGTH_LIMIT or not storable(words):
        raise param_invalid("word")
    if sum(map(is_of_a_term, words)) < 2:
        raise Fault(400, "INVALID_DATA", "provide atleast 2 letters for search", {"param_name": "word"})
    if not module.full_text:
        return Clause("0", (), indexed=True)
    searched = distinct(word for word in words.split() if has_terms(word))
    require_few(sum(map(count_terms, searched)), WORD_TERMS)
    return _match(texts(module), " ".join(f"{_quoted(word)} *" for word in searched))


def email_clause(module: Module, value: str, texts: TextTables) -> Clause:
    """Records with that address, or part of one, in any field for e-mail. Raises Fault."""
    fields, value = module.of_type("email"), _param("email", value)
    return _any_field(module, [conditions.email_is(field, value) for field in fields], texts)


def phone_clause(module: Module, value: str, texts: TextTables) -> Clause:
    """Records with that number, however formatted, in any field for phones. Raises Fault."""
    fields, value = module.of_type("phone"), _param("phone", value)
    found = [conditions.phone_is(field, value) for field in fields]
    if None in found:
        raise param_invalid("phone")
    return _any_field(module, [one for one in found if one is not None], texts)


def _param(name: str, value: str) -> str:
    value = value.strip()
    if not value or len(value) > LENGTH_LIMIT or not storable(value):
        raise param_invalid(name)
    return value


def _any_field(module: Module, found: Sequence[Checked], texts: TextTables) -> Clause:
    if not found:
        raise Fault(400, "FIELD_TYPE_UNAVAILABLE", "this data type is not found in this module")
    return _Compiler(module, texts, None).clause(AnyOf(tuple(found)))


def _match(tables: Sequence[str], query: str) -> Clause:
    sql = f"r.id IN ({_matches(tables)})"
    return Clause(sql, (query,) * len(tables), indexed=False, text=True, query=query)


def _matches(tables: Sequence[str]) -> str:
    return " UNION ALL ".join(f"SELECT rowid FROM {table} WHERE {table} MATCH ?" for table in tables)


def _quoted(text: str) -> str:
    """A phrase of the full text's query language; inside quotes nothing but the quote has a meaning."""
    return '"' + text.replace('"', '""') + '"'


def _pattern(text: str) -> str:
    for sign in "\\%_":
        text = text.replace(sign, f"\\{sign}")
    return text


def _collation(field: Field) -> str:
    """Text is compared regardless of case; the index of a unique field is declared so for every type."""
    return " COLLATE NOCASE" if field.storage == "text" or field.unique else ""


def _looked_up(field: Field) -> bool:
    return (
        field.storage in {"id", "lookup"}
        or field.unique
        or field.data_type == "email"
        or field.api_name in _LOOKED_UP
    )


class _Compiler:
    def __init__(self, module: Module, texts: TextTables, catalog: Catalog | None) -> None:
        self._module = module
        self._texts = texts
        self._modules = catalog.modules if catalog else {}
        self._terms = 0

    def clause(self, checked: Checked) -> Clause:
        match checked:
            case AllOf(parts):
                return self._all([self.clause(part) for part in parts])
            case AnyOf(parts):
                return self._any([self.clause(part) for part in parts])
            case Not(part):
                inner = self.clause(part)
                return Clause(f"({inner.sql}) IS NOT TRUE", inner.params, indexed=False, text=inner.text)
            case comparison:
                return self._comparison(comparison)

    def _comparison(self, comparison: Comparison) -> Clause:
        match comparison:
            case Empty(field):
                return _scan(f"r.{field.column} IS NULL")
            case Equal(field, value):
                return self._equal(field, value)
            case Compare(field, order, value):
                return _scan(f"r.{field.column} {order} ?", value)
            case Phrase(field, text, start):
                return self._phrase(field, text, start=start)
            case Fragment(field, text, place):
                return self._fragment(field, text, place)
            case Member(field, text, start):
                return self._member(field, text, start=start)
            case Digits(field, digits, start):
                return self._digits(field, digits, start=start)
            case Named(field, name):
                return self._named(field, name)

    def _all(self, parts: list[Clause]) -> Clause:
        text = any(part.text for part in parts)
        return _joined(" AND ", parts, indexed=any(part.indexed for part in parts) and not text)

    def _any(self, parts: list[Clause]) -> Clause:
        lists = [part.ids for part in parts if part.ids is not None]
        if parts and len(lists) == len(parts):
            return listed(" UNION ALL ".join(lists), tuple(value for part in parts for value in part.params))
        return _joined(" OR ", parts, indexed=all(part.indexed for part in parts))

    def _equal(self, field: Field, value: object) -> Clause:
        collation = _collation(field)
        if not (collation and _looked_up(field)):
            return Clause(f"r.{field.column} = ?{collation}", (value,), indexed=_looked_up(field))
        # In its own SELECT, because SQLite passes over a partial index with a collation inside an OR.
        ids = f"SELECT x.id FROM {self._module.table} x WHERE x.{field.column} = ?{collation}"
        return listed(ids, (value,))

    def _phrase(self, field: Field, text: str, *, start: bool) -> Clause:
        if not has_terms(text) or field not in self._module.full_text:
            return self._fragment(field, text, "start") if start else self._equal(field, text)
        self._count(text)
        sought = f"^ {_quoted(text)} *" if start else _quoted(text)
        return _match(self._texts(self._module), f"{field.column} : {sought}")

    def _count(self, text: str) -> None:
        self._terms += count_terms(text)
        require_few(self._terms, CRITERIA_TERMS)

    def _fragment(self, field: Field, text: str, place: str) -> Clause:
        before = "" if place == "start" else "%"
        after = "" if place == "end" else "%"
        return _scan(f"r.{field.column} LIKE ? ESCAPE '\\'", before + _pattern(text) + after)

    def _member(self, field: Field, text: str, *, start: bool) -> Clause:
        item = "j.value ->> '$.name'" if field.storage == "tags" else "j.value"
        test = f"{item} LIKE ? ESCAPE '\\'" if start else f"{item} = ? COLLATE NOCASE"
        sql = f"EXISTS (SELECT 1 FROM json_each(r.{field.column}) j WHERE {test})"
        return _scan(sql, f"{_pattern(text)}%" if start else text)

    def _digits(self, field: Field, digits: str, *, start: bool) -> Clause:
        column = f"r.{field.column}"
        number = phone_digits(column)
        if start:
            return _scan(f"{number} >= ? AND {number} < ?", digits, f"{digits}\U0010ffff")
        # The index leaves out records without a number, so it serves only who asks for one.
        sql = f"{column} IS NOT NULL AND {number} = ?"
        return Clause(sql, (digits,), indexed=not field.unique)

    def _named(self, field: Field, name: str) -> Clause:
        column = f"r.{field.column}"
        if field.storage == "user":
            sql = f"{column} IN (SELECT u.id FROM users u WHERE u.full_name = ? OR u.email = ?)"
            return _scan(sql, name, name)
        return self._any([self._named_in(target, column, name) for target in self._targets(field)])

    def _targets(self, field: Field) -> list[tuple[Module, Field]]:
        """The modules a lookup points to, each with the text that names its records."""
        names = field.lookup_modules or (field.lookup,)
        modules = (self._modules[name] for name in names if name in self._modules)
        return [(m, m.display) for m in modules if m.display and m.display.storage == "text"]

    def _named_in(self, target: tuple[Module, Field], column: str, name: str) -> Clause:
        module, display = target
        sql = f"SELECT x.id FROM {module.table} x WHERE x.{display.column} = ? COLLATE NOCASE"
        if not has_terms(name) or display not in module.full_text:
            return _scan(f"{column} IN ({sql})", name)
        # The full text leads to the candidates, as no index is kept of names.
        self._count(name)
        tables = self._texts(module)
        sql += f" AND x.id IN ({_matches(tables)})"
        params = (name, *[f"{display.column} : {_quoted(name)}"] * len(tables))
        return Clause(f"{column} IN ({sql})", params, indexed=False, text=True)


def _scan(sql: str, *params: object) -> Clause:
    return Clause(sql, params, indexed=False)


def _joined(keyword: str, parts: list[Clause], *, indexed: bool) -> Clause:
    if not parts:
        return Clause("0", (), indexed=True)
    sql = keyword.join(f"({part.sql})" for part in parts)
    params = tuple(value for part in parts for value in part.params)
    return Clause(sql, params, indexed=indexed, text=any(part.text for part in parts))
