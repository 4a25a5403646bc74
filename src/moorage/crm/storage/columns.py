"""Which columns and indexes a module's table has, in every engine that has SQL."""

from moorage.crm.metadata.catalog import Field, Module

INDEXED_TIMES = frozenset({"Created_Time", "Modified_Time"})
# Few records have such a flag set, and lists leave these out. An index has the ids of all others, so that they are
# counted, and passed over to a far page, without a look at any record.
RARE_FLAGS = frozenset({"Converted__s"})


def stored(module: Module) -> list[Field]:
    """The fields that have a column of their own."""
    return [field for field in module.fields.values() if field.storage not in {"id", "rows", "personal"}]


def columns_of(module: Module) -> list[str]:
    """All columns of a module's table in a fixed order, `id` first."""
    columns = ["id"]
    for field in stored(module):
        columns.append(field.column)
        if field.lookup_modules:
            columns.append(field.module_column)
    return columns


def literal(value: int | str) -> str:
    """A constant as SQL."""
    return f"{value}" if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def has_index(field: Field) -> bool:
    """Whether an index leads to the records with a value of the field. The `schema.py` of each engine makes them."""
    return (
        field.storage in {"id", "lookup"}
        or field.unique
        or field.data_type == "email"
        or field.api_name in INDEXED_TIMES
    )


def has_digits_index(field: Field) -> bool:
    """Whether an index leads to the records with a phone number, however it was written."""
    return not field.unique  # The index of a unique field has the number as it was written.
