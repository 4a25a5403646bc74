"""Links that are written by themselves, as records of their module [Z multi-select-lookup]."""

from collections.abc import Iterable, Mapping, Sequence

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.records.batch import Batch
from moorage.crm.records.draft import Draft
from moorage.crm.records.values import MAX_ROWS, too_long
from moorage.crm.storage.contract.records import Row


class Links:
    """What holds for the records of a module of links: none leads where another one of the same record does."""

    def __init__(self, module: Module, own: Field, connected: Field, batch: Batch) -> None:
        self._module = module
        self._own = own
        self._connected = connected
        self._batch = batch

    def expect(self, drafts: Iterable[Draft], ids: Iterable[int]) -> None:
        """Tell the batch what `check` is going to ask of these drafts, and of the links with these ids."""
        owners = {
            reference.id
            for draft in drafts
            for field, reference in draft.references
            if field is self._own and reference.id is not None
        }
        stored = (self._batch.row(self._module, record) for record in ids)
        owners |= {row[self._own.column] for row in stored if row is not None}
        self._batch.expect_children(self._module, owners)

    def check(self, row: Row, path: str) -> None:
        """Raise the Fault for a link that can't be; `row` is how it will be, with an `id` if it is there already."""
        links = self._batch.children(self._module, row[self._own.column])
        others = [link for link in links if link["id"] != row.get("id")]
        for other in others:
            if other[self._connected.column] == row[self._connected.column]:
                name = self._connected.api_name
                place = {"api_name": name, "json_path": f"{path}.{name}"}
                raise repeated_link([self._own.api_name, name], other["id"], place)
        if len(others) >= MAX_ROWS:
            raise too_long(self._own, f"{path}.{self._own.api_name}", MAX_ROWS)


def repeated_link(lookups: Sequence[str | None], link: int | None, place: Mapping[str, str]) -> Fault:
    """Two links of one record lead to the same [Z update-records].

    `lookups` are the API names of a link's two lookups. `link` is the id of the other link, if it is there already.
    """
    stored = {} if link is None else {"id": str(link)}
    details = {"linking_fields": list(lookups), **stored, **place}
    return Fault(400, "DUPLICATE_LINKING_DATA", "duplicate linking data", details)


def links_of(module: Module, batch: Batch) -> Links | None:
    """None for a module whose records are no links."""
    if module.parent_field is None or module.connected_field is None:
        return None
    return Links(module, module.parent_field, module.connected_field, batch)
