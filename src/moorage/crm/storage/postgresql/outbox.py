"""The outbox in an organisation's schema."""

from collections.abc import Callable, Sequence

from moorage.crm.storage.outbox import COLUMNS, TABLE, EventRow, OutboxTable
from moorage.crm.storage.postgresql.statements import Statements

_TYPES = ("int8", "text", "text")


def outbox_of(
    statements: Statements,
    schema: str,
    now: int = 0,
    note: Callable[[Sequence[int]], None] = lambda _: None,
) -> OutboxTable:
    def exists() -> bool:
        # The inventory may be older than the table.
        return statements.ask("SELECT to_regclass(?)", (f"{schema}.{TABLE}",)) != [(None,)]

    return OutboxTable(statements.ask, f"{schema}.", now, exists, note)


def add_events(statements: Statements, schema: str, events: Sequence[EventRow]) -> None:
    statements.write(f"{schema}.{TABLE}", COLUMNS, _TYPES, events)


def pass_over_acknowledged(statements: Statements, draft: str, schema: str) -> None:
    """Remove from a draft the events that were acknowledged in the schema that it will replace."""
    for kind, last in outbox_of(statements, schema).acknowledged():
        outbox_of(statements, draft).pass_over(kind, last)
