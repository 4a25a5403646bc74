"""New rows of a transaction, and its events, until they are written."""

from collections.abc import Callable, Sequence

from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.contract.records import Row
from moorage.crm.storage.outbox import EventRow
from moorage.crm.storage.postgresql.row_writing import add_rows
from moorage.crm.storage.postgresql.statements import Statements


class WaitingRows:
    """They wait until something is asked or changed, or for the end.

    So jobs that only insert cost no statement each: the rows of all are written together.
    """

    def __init__(
        self, statements: Statements, schema_name: str, write_events: Callable[[Sequence[EventRow]], None]
    ) -> None:
        self._statements = statements
        self._schema = schema_name
        self._write_events = write_events
        self._rows: list[tuple[Module, Sequence[Row]]] = []
        self._events: list[EventRow] = []
        # How many of them are of the jobs before the current one.
        self._rows_before = self._events_before = 0

    def add(self, module: Module, rows: Sequence[Row]) -> None:
        self._rows.append((module, rows))

    def add_event(self, event: EventRow) -> None:
        self._events.append(event)

    def begin_job(self) -> None:
        self._rows_before, self._events_before = len(self._rows), len(self._events)

    def undo_job(self) -> None:
        del self._rows[self._rows_before :]
        del self._events[self._events_before :]

    def settle(self) -> None:
        """Write what waits, each row under the protection of its own job."""
        if not self._statements.is_protected:
            rows, events = self._rows[self._rows_before :], self._events[self._events_before :]
            self.undo_job()
            self.write()
            self._statements.protect()
            self._rows, self._events = rows, events
            self._rows_before = self._events_before = 0
        self.write()

    def write(self) -> None:
        by_module: dict[Module, list[Row]] = {}
        for module, rows in self._rows:
            by_module.setdefault(module, []).extend(rows)
        self._rows.clear()
        for module, all_rows in by_module.items():
            add_rows(self._statements, self._schema, module, all_rows)
        if self._events:
            self._write_events(self._events)
            self._events.clear()
