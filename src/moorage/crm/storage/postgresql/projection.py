"""Records as JSON, built in Python from rows: PostgreSQL takes two to three times as long for it (measured).

For each shape there is one function, made once, which turns rows into what msgspec encodes. The bytes are those that
SQLite gives.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec

from moorage.bounded import Bounded
from moorage.crm.metadata import shown
from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.metadata.shown import Shape
from moorage.crm.storage.postgresql.shown_values import ShownReals, ShownTimes
from moorage.crm.storage.selecting import Drawn

# A row has the key of the order, the id, and a value for each of the columns.
Build: TypeAlias = Callable[[Iterable[Sequence[Any]]], list[msgspec.Struct]]

encode = msgspec.json.Encoder().encode
_REALS = ShownReals()


class Shown(msgspec.Struct, frozen=True):
    """How records of a module are shown in a shape: the expressions to ask for, and the function for the rows."""

    columns: tuple[str, ...]
    build: Build

    def encoded(self, rows: Iterable[Sequence[Any]]) -> bytes:
        """The JSON array of the records."""
        return encode(self.build(rows))


class _Named(msgspec.Struct, gc=False):
    """What a lookup shows of a record."""

    name: str | None
    id: str


class _Identified(msgspec.Struct, gc=False):
    id: str


class _IdentifiedInModule(msgspec.Struct, gc=False):
    module: msgspec.Raw
    id: str


class _NamedInModule(msgspec.Struct, gc=False):
    module: msgspec.Raw
    name: str | None
    id: str


# How a value that is not simply its column is shown; `{}` is the variable of the value.
_PLAIN = {
    "id": "None if {0} is None else text({0})",
    "text": "{}",
    "date": "{}",
    "integer": "{}",
    "real": "reals[{}]",
    "bigint": "None if {0} is None else text({0})",
    "boolean": "booleans[{}]",
    "list": "None if {0} is None else raw({0}.encode())",
    "json": "None if {0} is None else raw({0}.encode())",
    "tags": "[] if {0} is None else raw({0}.encode())",
    "user": "users({})",
    "datetime": "times[{}]",
}


class Projection:
    """`times` are of the organisation's zone. `users` gives each user as JSON, by id. `table` is a module's table as
    SQL names it.
    """

    def __init__(
        self, catalog: Catalog, times: ShownTimes, users: Mapping[int, str], table: Callable[[Module], str]
    ) -> None:
        self._catalog = catalog
        self._table = table
        self._selections: Bounded[tuple[tuple[Drawn, ...], bool], Shown] = Bounded(200)
        self._shapes: Bounded[tuple[Module, Shape], Shown] = Bounded(1000)  # Callers choose the fields.
        self._names = {
            "text": str,
            "raw": msgspec.Raw,
            "named": _Named,
            "named_in_module": _NamedInModule,
            "identified": _Identified,
            "identified_in_module": _IdentifiedInModule,
            "rows_of": _decode_rows,
            "reals": _REALS,
            "times": times,
            "booleans": {0: False, 1: True, None: None},
            "users": {user: msgspec.Raw(text.encode()) for user, text in users.items()}.get,
            "persons": {user: _person(user, text) for user, text in users.items()}.get,
            "identities": {user: _Identified(str(user)) for user in users}.get,
        }

    def of(self, module: Module, shape: Shape) -> Shown:
        shown_records = self._shapes.get((module, shape))
        if shown_records is None:
            shown_records = self._made(module, shape.names, whole=shape.whole)
            self._shapes[module, shape] = shown_records
        return shown_records

    def drawn(self, values: Sequence[Drawn], *, named: bool) -> Shown:
        """How the records or groups of a selection are shown."""
        key = (tuple(values), named)
        shown_values = self._selections.get(key)
        if shown_values is None:
            writing = _Writing(self._names)
            for value in values:
                self._write_drawn(writing, value, named=named)
            shown_values = self._selections[key] = writing.shown()
        return shown_values

    def _write_drawn(self, writing: "_Writing", value: Drawn, *, named: bool) -> None:
        variable = writing.column(value.expression)
        if value.texts is not None:
            writing.add(value.key, f"{writing.bound(dict(value.texts))}.get({variable})")
        elif value.storage == "lookup" and value.field is not None:
            self._write_drawn_lookup(writing, value, value.field, named=named)
        elif value.storage == "user":
            writing.add(value.key, f"{'persons' if named else 'identities'}({variable})")
        else:
            writing.add(value.key, _PLAIN[value.storage].format(variable))

    def _write_drawn_lookup(self, writing: "_Writing", value: Drawn, field: Field, *, named: bool) -> None:
        targets, column = self._catalog.targets_of(field), value.expression
        record = writing.column(column)
        if not field.lookup_modules and targets:
            name = writing.column(self._name_of(targets[0], column))
            writing.add(value.key, _named(name, record) if named else _identified(name, record))
        elif targets:
            cases = " ".join(f"WHEN {m.number} THEN {self._name_of(m, column)}" for m in targets)
            name = writing.column(f"CASE {column}_m {cases} END")
            within = field.data_type == "multi_module_lookup"
            module = self._write_module(writing, f"{column}_m", targets) if within else None
            writing.add(value.key, _identified(name, record, module))
        else:
            writing.constant(value.key, None)

    def _made(self, module: Module, names: Iterable[str], *, whole: bool, row: str = "r") -> Shown:
        writing = _Writing(self._names, {"id": "text(record)"})
        for name in names:
            self._write(writing, module, name, row, whole=whole)
        if whole:
            for name, value in shown.only_whole(module).items():
                writing.constant(name, value)
        return writing.shown()

    def _write(self, writing: "_Writing", module: Module, name: str, row: str, *, whole: bool) -> None:
        field = shown.field_shown(module, name)
        if name == shown.CONVERSION_KEY:
            self._write_conversion(writing, module, row)
        elif name == shown.CURRENCY_SYMBOL and self._catalog.currencies:
            self._write_currency_symbol(writing, module, row)
        elif field is None:
            lookup = shown.module_field(module) if name == shown.MODULE_KEY else None
            if lookup is None:
                writing.constant(name, shown.constants(module)[name])
            else:
                names = {m.number: m.api_name for m in self._catalog.targets_of(lookup)}
                number = writing.column(f"{row}.{lookup.module_column}")
                writing.add(name, f"{writing.bound(names)}.get({number})")
        elif field.storage == "rows":
            self._write_rows(writing, field, row)
        elif field.storage == "personal":
            writing.constant(name, None)
        elif field.storage == "lookup":
            self._write_lookup(writing, field, row)
        elif field.is_rich_text and not whole:
            writing.add(name, writing.column(f"substr({row}.{field.column}, 1, {shown.RICH_TEXT_IN_LISTS})"))
        else:
            writing.add(name, _PLAIN[field.storage].format(writing.column(f"{row}.{field.column}")))

    def _write_currency_symbol(self, writing: "_Writing", module: Module, row: str) -> None:
        symbols = {code: currency.symbol for code, currency in self._catalog.currencies.items()}
        if module.currency is None:
            writing.constant(shown.CURRENCY_SYMBOL, next(iter(symbols.values())))
        else:
            code = writing.column(f"{row}.{module.currency.column}")
            writing.add(shown.CURRENCY_SYMBOL, f"{writing.bound(symbols)}.get({code})")

    def _write_conversion(self, writing: "_Writing", module: Module, row: str) -> None:
        flag = writing.column(f"{row}.{module.fields[shown.CONVERTED].column}")
        members = []
        for key, name in shown.CONVERSION_FIELDS.items():
            field = module.fields[name]
            value = _PLAIN["datetime" if field.storage == "datetime" else "bigint"]
            members.append(f"'{key}': {value.format(writing.column(f'{row}.{field.column}'))}")
        writing.add(shown.CONVERSION_KEY, f"{{{', '.join(members)}}} if {flag} else {{}}")

    def _write_lookup(self, writing: "_Writing", field: Field, row: str) -> None:
        column, targets = f"{row}.{field.column}", self._catalog.targets_of(field)
        if not targets:
            writing.constant(field.api_name, None)
            return
        record = writing.column(column)
        if not field.lookup_modules:
            name = writing.column(self._name_of(targets[0], column))
            writing.add(field.api_name, _named(name, record))
            return
        cases = " ".join(f"WHEN {m.number} THEN {self._name_of(m, column)}" for m in targets)
        name = writing.column(f"CASE {row}.{field.module_column} {cases} END")
        module = None
        if field.data_type == "multi_module_lookup":
            module = self._write_module(writing, f"{row}.{field.module_column}", targets)
        writing.add(field.api_name, _named(name, record, module))

    @staticmethod
    def _write_module(writing: "_Writing", column: str, targets: Iterable[Module]) -> str:
        """The module whose number is in a column, by `api_name` and `id`."""
        modules = {m.number: msgspec.Raw(encode(m.reference)) for m in targets}
        return f"{writing.bound(modules)}[{writing.column(column)}]"

    def _name_of(self, target: Module, column: str) -> str:
        """The expression of the name of the record that a column points to, behind a sign; NULL if it is gone."""
        name = f"coalesce('=' || x.{target.name_field.column}, '-')" if target.name_field else "'-'"
        return f"(SELECT {name} FROM {self._table(target)} x WHERE x.id = {column})"

    def _write_rows(self, writing: "_Writing", field: Field, row: str) -> None:
        rows = self._catalog.rows_of(field)
        body = self._made(rows, shown.row_names(rows), whole=False, row="s")
        # The statement that gives the record gives its rows, too: so both are of one moment.
        values = ", ".join(["s.id", *body.columns])
        column = (
            f"(SELECT json_agg(row_to_json(ROW(NULL, {values})) ORDER BY s.id)::text FROM {self._table(rows)} s"
            f" WHERE s.{rows.parent_column} = {row}.id)"
        )
        writing.add(field.api_name, f"{writing.bound(body.build)}(rows_of({writing.column(column)}))")


def _named(name: str, record: str, module: str | None = None) -> str:
    shown = [] if module is None else [module]
    shown += [f"{name}[1:] if {name}[0] == '=' else None", f"text({record})"]
    made = "named" if module is None else "named_in_module"
    return f"None if {name} is None else {made}({', '.join(shown)})"


def _person(user: int, text: str) -> _Named:
    return _Named(msgspec.json.decode(text)["name"], str(user))


def _identified(name: str, record: str, module: str | None = None) -> str:
    """The id of a record, which has a name if it is there."""
    made = (
        f"identified(text({record}))" if module is None else f"identified_in_module({module}, text({record}))"
    )
    return f"None if {name} is None else {made}"


def _decode_rows(text: str | None) -> list[list[Any]]:
    return [] if text is None else [list(row.values()) for row in msgspec.json.decode(text)]


class _Writing:
    """The source of a function that builds records, as it is written."""

    def __init__(self, names: Mapping[str, Any], entries: Mapping[str, str] = MappingProxyType({})) -> None:
        self._names = dict(names)
        self._columns: dict[str, str] = {}
        self._entries = dict(entries)

    def column(self, expression: str) -> str:
        """The variable for the value of an expression."""
        return self._columns.setdefault(expression, f"v{len(self._columns)}")

    def bound(self, value: object) -> str:
        """The variable for a value that is the same for all records."""
        name = f"b{len(self._names)}"
        self._names[name] = value
        return name

    def constant(self, name: str, value: object) -> None:
        self.add(name, "None" if value is None else self.bound(msgspec.Raw(encode(value))))

    def add(self, name: str, expression: str) -> None:
        self._entries[name] = expression

    def shown(self) -> Shown:
        # A struct is made in half of the time of a dictionary, and its keys are encoded already.
        attributes = {f"a{number}": name for number, name in enumerate(self._entries)}
        record = msgspec.defstruct("Record", attributes, rename=attributes, gc=False)
        variables = ", ".join(["_", "record", *self._columns.values()])
        source = f"lambda rows: [made({', '.join(self._entries.values())}) for {variables} in rows]"
        # The source has only the words above: no names of the catalog.
        build: Build = eval(source, {"__builtins__": {}, "made": record, **self._names})  # noqa: S307
        return Shown(tuple(self._columns), build)
