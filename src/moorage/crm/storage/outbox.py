"""The outbox of an organisation, in statements that SQLite and PostgreSQL have in common.

Its table is made by the first event, because few organisations have any. The counters of the organisation say who holds
the events. So one holder at a time has them, however many there are. All statements run in the turn of the
organisation's one writer, so there is nothing to lock.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from moorage.crm.storage.contract.outbox import LONGEST_LEASE, Claim, Event

TABLE = "outbox"
COLUMNS = ("id", "kind", "payload")
# These counters are carried with the organisation, so a holder stays the holder when the organisation moves.
FENCE = "outbox fence"
END = "outbox end"  # Of the lease, in seconds since the epoch.
ACKNOWLEDGED = "outbox acknowledged"  # The id of the last event that was dealt with.
# There only while others know of the outbox (`Wake`): when that began, or the last acknowledgement, in seconds.
KNOWN = "outbox known"

# Runs a statement with ? for its parameters. Gives its rows.
Ask: TypeAlias = Callable[[str, Sequence[Any]], Sequence[Sequence[Any]]]
EventRow: TypeAlias = tuple[int, str, str]

_encode = msgspec.json.Encoder().encode


def event_row(event: int, kind: str, payload: Any) -> EventRow:
    return event, kind, _encode(payload).decode()


def creation(prefix: str, id_type: str) -> str:
    """`prefix` is what the names of tables begin with."""
    columns = f"id {id_type} PRIMARY KEY, kind TEXT NOT NULL, payload TEXT NOT NULL"
    return f"CREATE TABLE IF NOT EXISTS {prefix}{TABLE} ({columns})"


class OutboxTable:
    """An `Outbox`. `exists` says whether there is the table; `note` is told the ids of events that were removed."""

    def __init__(
        self,
        ask: Ask,
        prefix: str,
        now: int,
        exists: Callable[[], bool],
        note: Callable[[Sequence[int]], None] = lambda _: None,
    ) -> None:
        self._ask = ask
        self._events = f"{prefix}{TABLE}"
        self._counters = f"{prefix}counters"
        self._now = now
        self._exists = exists
        self._note = note

    def begin(self) -> bool:
        """Before an event is written: whether nobody knows of the outbox yet. From the commit on, others do."""
        if self._counter(KNOWN):
            return False
        self._count(KNOWN, self._now)
        return True

    def claim(self, most: int, lease: int) -> Claim | None:
        # A lease that ends later than any lasts was begun before the clock was put back.
        if self._now < self._counter(END) <= self._now + LONGEST_LEASE:
            return None
        rows: Sequence[Sequence[Any]] = ()
        if self._exists():
            sql = f"SELECT id, kind, payload FROM {self._events} ORDER BY id LIMIT ?"
            rows = self._ask(sql, (most,))
        claim = Claim(secrets.randbits(62), [Event(i, kind, msgspec.json.decode(p)) for i, kind, p in rows])
        if rows:
            self._count(FENCE, claim.fence)
            self._count(END, self._now + min(lease, LONGEST_LEASE))
        return claim

    def acknowledge(self, claim: Claim) -> bool:
        if not self.release(claim):
            return False
        self.pass_over(claim.events[-1].id)
        self._count(KNOWN, self._now)
        return True

    def release(self, claim: Claim) -> bool:
        if self._counter(FENCE) != claim.fence:
            return False
        self._forget(FENCE, END)
        return True

    def rest(self, seconds: int) -> bool:
        if self._exists() and self._ask(f"SELECT id FROM {self._events} ORDER BY id LIMIT 1", ()):
            return False
        if 0 <= self._now - self._counter(KNOWN) < seconds:
            return False
        self._forget(KNOWN)
        return True

    def pass_over(self, last: int) -> None:
        """Remove the events up to this id, which were dealt with."""
        self._count(ACKNOWLEDGED, max(last, self._counter(ACKNOWLEDGED)))
        if self._exists():
            rows = self._ask(f"DELETE FROM {self._events} WHERE id <= ? RETURNING id", (last,))
            self._note([event for (event,) in rows])

    def _counter(self, name: str) -> int:
        rows = self._ask(f"SELECT value FROM {self._counters} WHERE name = ?", (name,))
        return int(rows[0][0]) if rows else 0

    def _forget(self, *names: str) -> None:
        places = ", ".join("?" * len(names))
        self._ask(f"DELETE FROM {self._counters} WHERE name IN ({places}) RETURNING name", names)

    def _count(self, name: str, value: int) -> None:
        sql = (
            f"INSERT INTO {self._counters} VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value RETURNING value"
        )
        self._ask(sql, (name, value))
