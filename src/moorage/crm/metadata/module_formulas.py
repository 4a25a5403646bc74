"""The formulas of a module's fields, ready to be worked out for its records."""

from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import msgspec

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.formulas.formula import Formula, Result, formula
from moorage.crm.metadata.formulas.parts import Source, Stored
from moorage.near import did_you_mean

_STORAGES = frozenset(get_args(Stored))
# Fields that get their values later than formulas: when the record is numbered, or when other records change.
_LATER = frozenset({"autonumber", "rollup_summary"})


class FormulaField(msgspec.Struct, frozen=True):
    """`column` is where the value of the formula is kept."""

    column: str
    formula: Formula


class ModuleFormulas:
    """The formulas of one module. Each comes behind those whose values it reads."""

    def __init__(self, fields: tuple[FormulaField, ...]) -> None:
        self.fields = fields

    def work_out(self, row: dict[str, Any], zone: ZoneInfo, now: int) -> None:
        """Put the values of all formulas into a record, given by columns; `now` is in seconds since the epoch."""
        for field in self.fields:
            row[field.column] = field.formula.value(row, zone, now)

    @property
    def columns(self) -> frozenset[str]:
        """All columns that are read or written."""
        return frozenset().union(*({field.column, *field.formula.columns} for field in self.fields))

    def following(self, columns: set[str]) -> "ModuleFormulas":
        """The formulas of these columns, and those that read them, directly or through others."""
        changed, chosen = set(columns), []
        for field in self.fields:
            if field.column in changed or field.formula.columns & changed:
                changed.add(field.column)
                chosen.append(field)
        return ModuleFormulas(tuple(chosen))


# The formulas of a module are worked out once: other metadata make other modules.
_FORMULAS = WeakKeyDictionary[Module, ModuleFormulas]()


def formulas_of(module: Module) -> ModuleFormulas:
    formulas = _FORMULAS.get(module)
    if formulas is None:
        formulas = _FORMULAS[module] = ModuleFormulas(tuple(_in_order(_read(module))))
    return formulas


def formula_of(module: Module, body: Mapping[str, Any]) -> Formula:
    """The formula of a field with that document, whose expression names fields as `Leads.Last_Name`.

    Raises FormulaInvalid.
    """
    members = body["formula"]
    result = Result(members["return_type"], body["length"], body["decimal_place"] or 0)
    empty_is_zero = bool(members.get("assume_default"))
    return formula(
        members["expression"], lambda name: source_of(module, name), result, empty_is_zero=empty_is_zero
    )


def source_of(module: Module, name: str) -> Source | str:
    """Where the field is that an expression names, or a sentence which says why a formula can't use it."""
    api_name = name.removeprefix(f"{module.api_name}.")
    field = module.fields.get(api_name)
    if field is None:
        return f"{module.api_name} has no field {api_name}.{did_you_mean(api_name, module.fields)}"
    if field.storage not in _STORAGES or field.data_type in _LATER:
        return f"{api_name} is a field of the type {field.data_type}, which a formula can't use."
    return Source(field.column, cast("Stored", field.storage))


def _read(module: Module) -> Iterator[FormulaField]:
    for field in module.of_type("formula"):
        if (
            field.formula["expression"] is not None
        ):  # Those of the system are worked out by rules of their module.
            yield FormulaField(field.column, formula_of(module, _document(field)))


def _document(field: Field) -> dict[str, Any]:
    return {"formula": field.formula, "length": field.length, "decimal_place": field.decimal_place}


def _in_order(fields: Iterator[FormulaField]) -> Iterator[FormulaField]:
    waiting = {field.column: field for field in fields}
    while waiting:
        ready = [f for f in waiting.values() if not f.formula.columns & waiting.keys()]
        assert ready, "formulas read each other in a circle"
        for field in ready:
            del waiting[field.column]
            yield field
