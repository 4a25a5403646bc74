"""Records as JSON, built by SQLite itself: one SQL expression per key that a record shows.

Measured on pages of 200 records: 1.1 times the bare fetch, where building the same in Python costs three times it.
"""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.metadata.times import offset_periods, offset_text

# What Zoho's API says of every record that is in no approval, review or other process.
_UNTOUCHED = {
    "$currency_symbol": "'$'",
    "$field_states": "NULL",
    "$sharing_permission": "'full_access'",
    "$editable": "json('true')",
    "$approval": 'json(\'{"delegate":false,"approve":false,"reject":false,"resubmit":false}\')',
    "$approval_state": "'approved'",
    "$approved": "json('true')",
    "$review_process": 'json(\'{"approve":false,"reject":false,"resubmit":false}\')',
    "$review": "NULL",
    "$process_flow": "json('false')",
    "$orchestration": "json('false')",
    "$pathfinder": "json('false')",
    "$in_merge": "json('false')",
    "$locked_for_me": "json('false')",
    "$stop_processing": "json('false')",
    "$state": "'save'",
    "$canvas_id": "NULL",
    "$zia_owner_assignment": "'owner_recommendation_unavailable'",
    "$zia_visions": "NULL",
    "$wizard_connection_path": "NULL",
    "$layout_id": "NULL",
}
_LEADS_ONLY = {"$converted_detail": "json('{}')", "$converted": "json('false')"}
_NOTES_ONLY = {
    "$attachments": "NULL",
    "$voice_note": "json('false')",
    "$is_shared_to_client": "json('false')",
}
# Shown when no fields are named; the rest of the $-keys only when asked for.
_ON_REQUEST = frozenset({"$approved", "$converted", "$canvas_id"})

_PLAIN = {
    "text": "{}",
    "date": "{}",
    "integer": "{}",
    "real": "{}",
    "bigint": "CAST({} AS TEXT)",
    "boolean": "json(CASE {} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)",
    "list": "json({})",
    "json": "json({})",
    "tags": "json(ifnull({}, '[]'))",
    "user": "json((SELECT shown FROM users u WHERE u.id = {}))",
}

_SUBFORM_KEYS = ("$in_merge", "$field_states", "$zia_visions")


class Projection:
    """The SQL expressions of one organisation's records."""

    def __init__(self, catalog: Catalog, zone: ZoneInfo, around: datetime) -> None:
        self._catalog = catalog
        self._time = time_expression(zone, around)

    def list_names(self, module: Module, names: list[str]) -> tuple[str, ...]:
        """The keys of a list row among the names asked for: what a list never shows is left out."""
        return tuple(n for n in dict.fromkeys(names) if n != "id" and self._is_listed(module, n))

    def _is_listed(self, module: Module, name: str) -> bool:
        field = module.fields.get(name)
        return name in self._system(module) if field is None else not _only_in_one(field)

    def all_names(self, module: Module, *, whole: bool) -> tuple[str, ...]:
        """The keys of a record when no fields were named."""
        fields = [f.api_name for f in module.fields.values() if whole or not _only_in_one(f)]
        system = [name for name in self._system(module) if name not in _ON_REQUEST]
        return tuple(n for n in (*fields, *system) if n != "id")

    def knows(self, module: Module, name: str) -> bool:
        return name in module.fields or name in self._system(module)

    def json(self, module: Module, names: tuple[str, ...], *, whole: bool, row: str = "r") -> str:
        """The expression of one record, whose table goes by the alias `row`."""
        pairs = [f"'id', CAST({row}.id AS TEXT)"]
        pairs += [f"'{name}', {self._value(module, name, row)}" for name in names]
        if whole and (subforms := [f for f in module.fields.values() if f.storage == "subform"]):
            more = ", ".join(f"'{f.api_name}', json('false')" for f in subforms)
            pairs.append(f"'$has_more', json_object({more})")
        return f"json_object({', '.join(pairs)})"

    def _system(self, module: Module) -> dict[str, str | Field]:
        """The $-keys of a module; a field stands for the module its value points to."""
        system: dict[str, str | Field] = dict(_UNTOUCHED)
        if module.api_name == "Leads":
            system |= _LEADS_ONLY
        if module.api_name == "Notes":
            system |= _NOTES_ONLY
        several = next(
            (f for f in module.fields.values() if f.lookup_modules and f.api_name != "Who_Id"), None
        )
        if several is not None:
            system["$se_module"] = several
        return system

    def _value(self, module: Module, name: str, row: str) -> str:
        field = module.fields.get(name)
        if field is None:
            system = self._system(module)[name]
            return system if isinstance(system, str) else self._module_name(system, row)
        if field.storage == "subform":
            return self._rows(field, row)
        column = f"{row}.{field.column}"
        if field.storage == "lookup":
            return self._lookup(field, column)
        if field.storage == "datetime":
            return self._time(column)
        return _PLAIN[field.storage].format(column)

    def _targets(self, field: Field) -> list[Module]:
        return [self._catalog.modules[n] for n in field.lookup_modules if n in self._catalog.modules]

    def _module_name(self, field: Field, row: str) -> str:
        cases = " ".join(f"WHEN {m.number} THEN '{m.api_name}'" for m in self._targets(field))
        return f"CASE {row}.{field.module_column} {cases} END"

    def _lookup(self, field: Field, column: str) -> str:
        if field.lookup_modules:
            within = field.data_type == "multi_module_lookup"
            cases = " ".join(
                f"WHEN {m.number} THEN {_named(m, column, within=within)}" for m in self._targets(field)
            )
            return f"json(CASE {column}_m {cases} END)"
        target = self._catalog.modules.get(field.lookup or "")
        return _named(target, column) if target else "NULL"

    def _rows(self, field: Field, row: str) -> str:
        rows = self._catalog.modules[field.subform or ""]
        names = (*(n for n in rows.fields if n != "id"), *_SUBFORM_KEYS)
        shown = self.json(rows, names, whole=False, row="s")
        parent = rows.fields["Parent_Id"].column
        return (
            f"json((SELECT json_group_array(json(shown)) FROM (SELECT {shown} AS shown FROM {rows.table} s"
            f" WHERE s.{parent} = {row}.id ORDER BY s.id)))"
        )


def _named(target: Module, column: str, *, within: bool = False) -> str:
    """`{name, id}` of the record a column points to, `within` which module too; null when it is gone."""
    name = f"x.{target.display.column}" if target.display and target.display.storage == "text" else "NULL"
    module = (
        f"'module', json_object('api_name', '{target.api_name}', 'id', '{target.id}'), " if within else ""
    )
    shown = f"json_object({module}'name', {name}, 'id', CAST(x.id AS TEXT))"
    return f"json((SELECT {shown} FROM {target.table} x WHERE x.id = {column}))"


def _only_in_one(field: Field) -> bool:
    return field.storage == "subform" or field.data_type in {"multiselectlookup", "multiuserlookup"}


def time_expression(zone: ZoneInfo, around: datetime) -> Callable[[str], str]:
    """SQL that shows a column of epoch seconds in the zone, such as 2026-02-06T01:10:56-08:00.

    The zone's offsets of some years around now are written into the expression, since SQLite formats four times as
    fast as a function of ours; the function `zoned` answers for times beyond.
    """
    midnight = around.replace(hour=0, minute=0, second=0, microsecond=0)
    periods = offset_periods(zone, int(midnight.timestamp()))

    def expression(column: str) -> str:
        cases = " ".join(
            f"WHEN {column} >= {start} AND {column} < {end} THEN"
            f" strftime('%Y-%m-%dT%H:%M:%S', {column} + {offset}, 'unixepoch') || '{offset_text(offset)}'"
            for start, end, offset in periods
        )
        return f"CASE WHEN {column} IS NULL THEN NULL {cases} ELSE zoned({column}) END"

    return expression
