"""Rows as the JSON that the API shows."""

import msgspec

from moorage.crm.metadata import shown
from moorage.crm.metadata.times import zoned


class Shown:
    """Shows rows out of `contents`, in the organisation's zone."""

    def __init__(self, catalog, users, zone, contents) -> None:
        self._catalog = catalog
        self._users = users
        self._zone = zone
        self._contents = contents

    def record(self, module, shape, row):
        body = self._keys(module, shape.names, row)
        if shape.whole:
            return body | shown.only_whole(module)
        fields = {name: module.fields.get(name) for name in body}
        texts = [name for name, field in fields.items() if field and field.is_rich_text and body[name]]
        return body | {name: body[name][: shown.RICH_TEXT_IN_LISTS] for name in texts}

    def _keys(self, module, names, row):
        return {"id": str(row["id"])} | {name: self._value(module, name, row) for name in names}

    def _value(self, module, name, row):
        field = shown.field_shown(module, name)
        if name == shown.CONVERSION_KEY:
            return self._conversion(module, row)
        if name == shown.CURRENCY_SYMBOL and (known := self._catalog.currencies):
            code = next(iter(known)) if module.currency is None else row[module.currency.column]
            return known[code].symbol
        if field is None:
            return (
                self._module_name(module, row) if name == shown.MODULE_KEY else shown.constants(module)[name]
            )
        if field.storage == "rows":
            return self._rows(field, row)
        value = row.get(field.column)
        if value is None:
            return [] if field.storage == "tags" else None
        return self._lookup(field, value, row) if field.storage == "lookup" else self._plain(field, value)

    def _plain(self, field, value):
        match field.storage:
            case "bigint":
                return str(value)
            case "boolean":
                return bool(value)
            case "list" | "json" | "tags":
                return msgspec.Raw(value.encode())
            case "datetime":
                return zoned(self._zone, value)
            case "user":
                return self._users.get(value)
        return value

    def _module_name(self, module, row):
        target = self._target(shown.module_field(module), row)
        return target and target.api_name

    def _conversion(self, module, row):
        if not row.get(module.fields[shown.CONVERTED].column):
            return {}
        values = {key: row.get(module.fields[name].column) for key, name in shown.CONVERSION_FIELDS.items()}
        moment = zoned(self._zone, values["convert_date"])
        return {key: None if value is None else str(value) for key, value in values.items()} | {
            "convert_date": moment
        }

    def _target(self, field, row):
        module = self._catalog.by_number.get(row.get(field.module_column))
        return module if module and module.api_name in field.lookup_modules else None

    def _lookup(self, field, record, row):
        target = self._target(field, row) if field.lookup_modules else self._catalog.modules.get(field.lookup)
        named = self._contents.table(target).get(record) if target else None
        if named is None:
            return None
        display = target.display
        name = named.get(display.column) if display and display.storage == "text" else None
        within = {"module": {"api_name": target.api_name, "id": str(target.id)}}
        return (within if field.data_type == "multi_module_lookup" else {}) | {
            "name": name,
            "id": str(record),
        }

    def drawn(self, field, value, row, *, named):
        """A value of a selection; `row` has the module of a lookup into several."""
        if value is None:
            return [] if field.storage == "tags" else None
        if field.storage == "user":
            person = self._person(value)
            return person if named or person is None else {"id": person["id"]}
        if field.storage == "lookup":
            shown = self._lookup(field, value, row)
            if shown is not None and (field.lookup_modules or not named):
                del shown["name"]
            return shown
        return str(value) if field.storage == "id" else self._plain(field, value)

    def _rows(self, field, row):
        module = self._catalog.rows_of(field)
        lines = [
            line
            for line in self._contents.table(module).values()
            if line.get(module.parent_column) == row["id"]
        ]
        lines.sort(key=lambda line: line["id"])
        return [self._keys(module, shown.row_names(module), line) for line in lines]

    def deleted(self, entry):
        return {
            "deleted_by": self._person(entry["deleted_by"]),
            "id": str(entry["id"]),
            "display_name": entry["display_name"],
            "type": entry["kind"],
            "created_by": self._person(entry["created_by"]),
            "deleted_time": zoned(self._zone, entry["deleted_time"]),
        }

    def _person(self, user):
        person = self._users.get(user)
        return person and {"name": person["name"], "id": person["id"]}
