"""How often each key has called over the last day.

A block never changes, so what was counted of it is kept, and only newer blocks are read the next time. If the time was
too short for all blocks of the day, the next look goes on where the last one ended.
"""

from collections.abc import Iterator, Mapping
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import sqlalchemy as sa

from moorage.access import EVERYWHERE, Reach
from moorage.bounded import Bounded
from moorage.http.timestamps import wire_time_of
from moorage.requests import store
from moorage.requests.blocks import callers_of, is_error
from moorage.requests.model import Names
from moorage.requests.service import wanted_of, within
from moorage.requests.store import Block
from moorage.storage import Database

if TYPE_CHECKING:
    from moorage.requests.notes import Ending, Note

STEP = 30 * 60  # Seconds of a bucket.
BUCKETS = 48
_SECOND = 1_000_000
_MOST_ACCOUNTS = 1000
_MOST_NEW = 20_000  # Blocks.

# Calls and errors, by the number of the bucket since 1970 and the id of the key.
Counts: TypeAlias = dict[tuple[int, str], tuple[int, int]]


class _Known(msgspec.Struct, frozen=True):
    """What was counted: the blocks with first numbers from `oldest` to `newest`, and no older one counts if that
    `is_all`.
    """

    oldest: int
    newest: int
    counts: Counts
    is_all: bool


class KeyUse(msgspec.Struct, frozen=True):
    """Calls by key in the buckets that begin with `first`. `counted_since` is later if there was no time for all."""

    first: int
    counts: Counts
    counted_since: int


class KeyUses:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = Bounded[str, _Known](_MOST_ACCOUNTS)

    async def of(self, account_id: str, now: int, reach: Reach = EVERYWHERE, *, longest: float) -> KeyUse:
        """The calls through connections in reach. `now` is in microseconds since the epoch, `longest` in seconds."""
        first = now // _SECOND // STEP - BUCKETS + 1
        known = self._known.get(account_id) if reach == EVERYWHERE else None

        def look(connection: sa.Connection) -> _Known | None:
            return _look(connection, account_id, known, first, reach, monotonic() + longest)

        async with self._database.reading() as tx:
            found = await tx.connection.run(look)
        since = first * STEP * _SECOND
        if found is None:
            return KeyUse(first, {}, since)
        if reach == EVERYWHERE:
            self._known[account_id] = found
        return KeyUse(first, found.counts, since if found.is_all else max(since, found.oldest))


def _look(
    connection: sa.Connection, account_id: str, known: _Known | None, first: int, reach: Reach, end: float
) -> _Known | None:
    """What is known after a look at other blocks; None if there are none at all."""
    counts: Counts = {}
    numbers, is_all = list[int](), True
    for block in _unknown(connection, account_id, known):
        if block is None:
            assert known is not None
            _merge(counts, known.counts, first)
            numbers += [known.newest, known.oldest]
            continue
        if block.first < first * STEP * _SECOND:
            break
        _merge(counts, _counted(block, reach), first)
        numbers.append(block.first)
        if monotonic() > end:
            is_all = False
            break
        sleep(0)  # The event loop goes first.
    return _Known(numbers[-1], numbers[0], counts, is_all) if numbers else None


def _unknown(connection: sa.Connection, account_id: str, known: _Known | None) -> Iterator[Block | None]:
    """The blocks that were not counted yet, the newest first. None stands where those are that were."""
    new = [] if known is None else store.firsts(connection, account_id, known.newest + 1, _MOST_NEW)
    if known is None or len(new) == _MOST_NEW:
        yield from store.newest(connection, account_id, None)
        return
    yield from store.those(connection, new)
    yield None
    if not known.is_all:
        yield from store.newest(connection, account_id, known.oldest)


def _counted(block: Block, reach: Reach) -> Counts:
    counts: Counts = {}
    calls: Iterator[tuple[str, Ending | Note]]
    if reach == EVERYWHERE:
        calls = ((caller.key_id, ended) for caller, ended in callers_of(block.content))
    else:
        calls = ((call.note.caller.key_id, call.note) for call in wanted_of(block, within(reach)))
    epoch = block.epoch / _SECOND
    for key_id, ended in calls:
        place = int((epoch + ended.began) // STEP), key_id
        number, errors = counts.get(place, (0, 0))
        counts[place] = number + 1, errors + is_error(ended)
    return counts


def _merge(counts: Counts, more: Counts, first: int) -> None:
    for place, (calls, errors) in more.items():
        if place[0] >= first:
            before = counts.get(place, (0, 0))
            counts[place] = before[0] + calls, before[1] + errors


def use_document(use: KeyUse, now: int, names: Names) -> Mapping[str, Any]:
    keys: dict[str, dict[str, Any]] = {}
    for (place, key_id), (calls, errors) in use.counts.items():
        key = keys.get(key_id)
        if key is None:
            known = {"id": key_id, "name": names.keys.get(key_id)}
            key = keys[key_id] = {**known, "calls": 0, "errors": 0, "buckets": [0] * BUCKETS}
        key["calls"] += calls
        key["errors"] += errors
        key["buckets"][min(place - use.first, BUCKETS - 1)] += calls
    return {
        "since": wire_time_of(use.first * STEP * _SECOND),
        "until": wire_time_of(now),
        "counted_since": wire_time_of(use.counted_since),
        "step_seconds": STEP,
        "keys": sorted(keys.values(), key=lambda key: (-key["calls"], key["id"])),
    }
