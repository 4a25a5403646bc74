"""What of a record goes to the recycle bin, in every engine."""

from collections.abc import Iterable, Iterator

import msgspec

from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.storage.contract.records import Row, Transaction

_encode = msgspec.json.Encoder().encode


class Recycled(msgspec.Struct, frozen=True):
    """A record in the bin. `body` is the JSON of all that a restore needs to bring it back."""

    id: int
    display_name: str | None
    created_by: int | None
    body: str


def recycle(
    transaction: Transaction, catalog: Catalog, module: Module, records: Iterable[int]
) -> list[Recycled]:
    """Drop records, with the rows that can't be without them; gives those that existed as they go to the bin."""
    rows = transaction.rows(module, records)
    taken = _take_rows(transaction, catalog, module, rows)
    transaction.drop(module, rows)
    return list(_recycled(module, rows, taken))


def _recycled(
    module: Module, rows: dict[int, Row], taken: dict[int, dict[str, list[Row]]]
) -> Iterator[Recycled]:
    creator = module.fields.get("Created_By")
    for record, row in rows.items():
        yield Recycled(
            record,
            row[module.display.column] if module.display else None,
            row[creator.column] if creator else None,
            _encode({"row": row, "subforms": taken[record]}).decode(),
        )


def _take_rows(
    transaction: Transaction, catalog: Catalog, module: Module, records: Iterable[int]
) -> dict[int, dict[str, list[Row]]]:
    """Drop the rows that point to the records; gives them by record, so that a restore can bring them back."""
    by_record: dict[int, dict[str, list[Row]]] = {record: {} for record in records}
    for rows_module, lookup in catalog.rows_pointing_to(module):
        children = transaction.children(rows_module, lookup.column, by_record)
        transaction.drop(rows_module, [row["id"] for rows in children.values() for row in rows])
        for record, taken in by_record.items():
            taken.setdefault(rows_module.api_name, []).extend(children.get(record, []))
    return by_record
