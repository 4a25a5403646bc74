"""The records that lookups of a bulk write point to, where a row names them by a value of theirs."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.jobs.cells import converter
from moorage.crm.jobs.row_plans import Cell, RowPlan
from moorage.crm.metadata.catalog import Field
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.values import parse
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction

# By text, the records that came from the rows of the parents' file with this text in a column.
Parents = Callable[[str, int], Awaitable[dict[str, int]]]


class Lookups:
    """`parents` gives, for a module and a column, what came from the rows of the file of this module."""

    def __init__(self, organisation: Organisation, plan: RowPlan, parents: Parents) -> None:
        self._organisation = organisation
        self._cells = [cell for cell in plan.cells if cell.by is not None or cell.parent_column is not None]
        self._parents = parents

    async def find(self, rows: Sequence[Sequence[str]]) -> dict[tuple[str, str], int]:
        """By field and text, the records that there are."""
        found: dict[tuple[str, str], int] = {}
        wanted: dict[Cell, dict[Any, str]] = {}
        for cell in self._cells:
            texts = {cell.text(row) for row in rows} - {""}
            if cell.parent_column is not None and cell.module is not None:
                parents = await self._parents(cell.module, cell.parent_column)
                found |= {(cell.name, text): parents[text] for text in texts if text in parents}
            texts -= {text for name, text in found if name == cell.name}
            if texts and cell.by is not None:
                convert = converter(cell.by, None, self._organisation.zone)
                values = {_held(cell.by, convert(text)): text for text in texts}
                wanted[cell] = {value: text for value, text in values.items() if value is not None}
        return found | (await self._stored(wanted) if wanted else {})

    async def _stored(self, wanted: dict[Cell, dict[Any, str]]) -> dict[tuple[str, str], int]:
        def ask(transaction: Transaction) -> dict[tuple[str, str], int]:
            found = {}
            for cell, texts in wanted.items():
                assert cell.target is not None
                assert cell.by is not None
                matching = transaction.matching(cell.target, cell.by, list(texts))
                found.update({(cell.name, texts[value]): ids[0] for value, ids in matching.items() if ids})
            return found

        return await self._organisation.store.write(ask)


def _held(field: Field, value: Any) -> Any:
    """A value as a field holds it; None for one that it can't hold, and by which nothing can be asked."""
    if field.storage == "id":
        return whole_id(value)
    try:
        held = parse(field, value, "")
    except Fault:
        return None
    return held if isinstance(held, str | int | float) else None
