"""What a bulk read writes for its records: lines of CSV, or entries of a calendar."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import msgspec

from moorage.crm.jobs import ics
from moorage.crm.jobs.columns import columns_of
from moorage.crm.jobs.threads import in_thread
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.shown import shape
from moorage.crm.storage.contract.lines import Lines
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Filter, Order, Position, Window
from moorage.crm.wire.call import settled


class Reading(Protocol):
    @property
    def head(self) -> bytes: ...

    @property
    def tail(self) -> bytes: ...

    async def part(self, after: int, limit: int) -> Lines:
        """The first records behind an id."""


class CsvReading:
    tail = b""

    def __init__(
        self,
        organisation: Organisation,
        module: Module,
        names: Sequence[str] | None,
        filters: Sequence[Filter],
    ) -> None:
        """Raises the Fault of a name that is no column."""
        headings, columns = columns_of(organisation, module, names)
        self.head = ",".join(headings).encode() + b"\r\n"
        self._read = partial(organisation.store.lines, module, columns, filters)

    async def part(self, after: int, limit: int) -> Lines:
        return await self._read(after, limit)


class IcsReading:
    head, tail = ics.HEAD, ics.TAIL

    def __init__(self, organisation: Organisation, module: Module, filters: Sequence[Filter]) -> None:
        order, shown = Order(module.fields["id"], descending=False), shape(module, ics.FIELDS)
        self._read = partial(organisation.store.page, module, shown, filters, order)

    async def part(self, after: int, limit: int) -> Lines:
        result = self._read(Window(limit, start=Position(None, after)))
        page = await settled(result)
        return Lines(await in_thread(_entries, page.data), page.count, page.last.id if page.last else None)


def _entries(data: bytes) -> bytes:
    events: list[dict[str, Any]] = msgspec.json.decode(data)
    return b"".join(ics.entry(event) for event in events)
