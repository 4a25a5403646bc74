"""Which columns a module's table has, in every engine that has SQL."""

from moorage.crm.metadata.catalog import Field, Module

INDEXED_TIMES = frozenset({"Created_Time", "Modified_Time"})


def stored(module: Module) -> list[Field]:
    """The fields that have a column of their own."""
    return [field for field in module.fields.values() if field.storage not in {"id", "rows"}]


def columns_of(module: Module) -> list[str]:
    """All columns of a module's table in a fixed order, `id` first."""
    columns = ["id"]
    for field in stored(module):
        columns.append(field.column)
        if field.lookup_modules:
            columns.append(field.module_column)
    return columns
