"""The outbox in an organisation's SQLite file."""

from collections.abc import Sequence
from typing import Any

import apsw

from moorage.crm.storage.outbox import TABLE, OutboxTable


def outbox_of(connection: apsw.Connection, now: int = 0) -> OutboxTable:
    def ask(sql: str, params: Sequence[Any]) -> list[Any]:
        return connection.execute(sql, params).fetchall()

    def exists() -> bool:
        return bool(ask("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (TABLE,)))

    return OutboxTable(ask, "", now, exists)
