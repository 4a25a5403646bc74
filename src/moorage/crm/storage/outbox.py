"""The outbox of an organisation, in statements that SQLite and PostgreSQL have in common.

Its table is made by the first event, because few organisations have any. The counters of the organisation say who holds
the events of a kind. So one holder at a time has them, however many there are. All statements run in the turn of the
organisation's one writer, so there is nothing to lock.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from moorage.crm.storage.contract.outbox import LONGEST_LEASE, Claim, Event

TABLE = "outbox"
COLUMNS = ("id", "kind", "payload")
# These counters are carried with the organisation, so a holder stays the holder when the organisation moves. The kind
# of the events follows.
FENCE = "outbox fence "
END = "outbox end "  # Of the lease or the pause, in seconds since the epoch.
FAILURES = "outbox failures "
ACKNOWLEDGED = "outbox acknowledged "  # The id of the last event that was dealt with.
# There only while others know of the outbox (`Wake`): when that began, or the last acknowledgement, in seconds.
KNOWN = "outbox known"
WATCHED = "watched"  # Until when somebody wants events of changes, in seconds.

# Runs a statement with ? for its parameters. Gives its rows.
Ask: TypeAlias = Callable[[str, Sequence[Any]], Sequence[Sequence[Any]]]
EventRow: TypeAlias = tuple[int, str, str]

_encode = msgspec.json.Encoder().encode


def event_row(event: int, kind: str, payload: Any) -> EventRow:
    return event, kind, _encode(payload).decode()


def creation(prefix: str, id_type: str) -> str:
    """`prefix` is what the names of tables begin with."""
    columns = f"id {id_type} PRIMARY KEY, kind TEXT NOT NULL, payload TEXT NOT NULL, UNIQUE (kind, id)"
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

    def due(self) -> Sequence[str]:
        if not self._exists():
            return ()
        # From one kind to the next in the index, however many events there are.
        sql = (
            f"WITH RECURSIVE kinds (kind) AS (SELECT min(kind) FROM {self._events} UNION ALL"
            f" SELECT (SELECT min(kind) FROM {self._events} e WHERE e.kind > k.kind) FROM kinds k"
            " WHERE k.kind IS NOT NULL) SELECT kind FROM kinds WHERE kind IS NOT NULL"
        )
        kinds = [kind for (kind,) in self._ask(sql, ())]
        ends = dict(self._numbers(END)) if kinds else {}
        return [kind for kind in kinds if not self._is_held(ends.get(kind, 0))]

    def claim(self, kind: str, most: int, lease: int) -> Claim | None:
        if self._is_held(self._counter(END + kind)):
            return None
        rows: Sequence[Sequence[Any]] = ()
        if self._exists():
            sql = f"SELECT id, payload FROM {self._events} WHERE kind = ? ORDER BY id LIMIT ?"
            rows = self._ask(sql, (kind, most))
        events = [Event(event, kind, msgspec.json.decode(payload)) for event, payload in rows]
        claim = Claim(kind, secrets.randbits(62), self._counter(FAILURES + kind), events)
        if rows:
            self._count(FENCE + kind, claim.fence)
            self._count(END + kind, self._now + min(lease, LONGEST_LEASE))
        return claim

    def settle(self, claim: Claim, done: int, pause: int = 0) -> bool:
        kind = claim.kind
        if self._counter(FENCE + kind) != claim.fence:
            return False
        self._forget(FENCE + kind, END + kind)
        if done:
            self._forget(FAILURES + kind)
            self.pass_over(kind, claim.events[done - 1].id)
            self._count(KNOWN, self._now)
        if pause:
            self._count(END + kind, self._now + min(pause, LONGEST_LEASE))
            self._count(FAILURES + kind, 1 if done else claim.failures + 1)
        return True

    def rest(self, seconds: int) -> bool:
        if self._exists() and self._ask(f"SELECT id FROM {self._events} ORDER BY id LIMIT 1", ()):
            return False
        if 0 <= self._now - self._counter(KNOWN) < seconds:
            return False
        self._forget(KNOWN)
        return True

    def pass_over(self, kind: str, last: int) -> None:
        """Remove the events of a kind up to this id, which were dealt with."""
        self._count(ACKNOWLEDGED + kind, max(last, self._counter(ACKNOWLEDGED + kind)))
        if self._exists():
            sql = f"DELETE FROM {self._events} WHERE kind = ? AND id <= ? RETURNING id"
            self._note([event for (event,) in self._ask(sql, (kind, last))])

    def acknowledged(self) -> Sequence[tuple[str, int]]:
        """By kind, the id of the last event that was dealt with."""
        return self._numbers(ACKNOWLEDGED)

    def _is_held(self, end: int) -> bool:
        """A lease that ends later than any lasts was begun before the clock was put back."""
        return self._now < end <= self._now + LONGEST_LEASE

    def _numbers(self, name: str) -> Sequence[tuple[str, int]]:
        """The counters with this name and a kind."""
        sql = f"SELECT name, value FROM {self._counters} WHERE name LIKE ?"
        return [(counter.removeprefix(name), value) for counter, value in self._ask(sql, (f"{name}%",))]

    def watched(self) -> int:
        return self._counter(WATCHED)

    def watch(self, until: int) -> None:
        self._count(WATCHED, until)

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
