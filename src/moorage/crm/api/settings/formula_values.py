"""The values of new and changed formulas in the records that are there already."""

from zoneinfo import ZoneInfo

from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Document
from moorage.crm.metadata.module_formulas import formulas_of
from moorage.crm.storage.contract.metadata import MetadataTransaction
from moorage.crm.storage.contract.records import Row


def must_be_worked_out(before: Document | None, after: Document) -> bool:
    """Whether a change of a field gives its records other values. `before` is None for a new field."""
    if after.body["data_type"] != "formula":
        return False
    return before is None or any(
        before.body[name] != after.body[name] for name in ("formula", "decimal_place")
    )


def work_out(transaction: MetadataTransaction, module: Document, fields: list[Document]) -> None:
    """Let the records of a module get the values of these formulas, and of all that read them."""
    if not fields:
        return
    metadata = transaction.metadata
    catalog_module = Catalog(metadata).modules[module.name]
    columns = {field.column for field in catalog_module.fields.values() if field.id in {f.id for f in fields}}
    formulas = formulas_of(catalog_module).following(columns)
    zone, now = ZoneInfo(metadata.org["time_zone"]), transaction.now

    def changes(row: Row) -> Row:
        values = dict(row)
        formulas.work_out(values, zone, now)
        return {column: value for column, value in values.items() if value != row[column]}

    transaction.rewrite(module.id, formulas.columns, changes)
