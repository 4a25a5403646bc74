"""Reads the request log."""

from collections.abc import Callable, Sequence
from itertools import islice
from time import monotonic, sleep

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from moorage.access import EVERYWHERE, Reach
from moorage.requests import last_calls, sealed, store
from moorage.requests.blocks import notes_with
from moorage.requests.errors import RequestUnknown
from moorage.requests.model import Call
from moorage.requests.store import Block, Notice
from moorage.storage import Database

# Seconds. A page that is not full after so long ends there, and the next one goes on behind it.
LONGEST_LOOK = 0.5
NOTICES = 20  # Notices that a page shows.
AT_ONCE = 20  # Blocks that one look for new calls reads.
STEP = 100  # Blocks that are removed at once.
_DAY = 24 * 3600 * 1_000_000


class Filter(msgspec.Struct, frozen=True):
    """Which calls are wanted. A block contains such a call only if it contains all `words`, and those in `folded` in
    whichever case. `status` accepts the statuses of such calls.
    """

    accepts: Callable[[Call], bool] = lambda _call: True
    words: Sequence[bytes] = ()
    folded: Sequence[bytes] = ()
    status: Callable[[int], bool] | None = None
    # No call began before `since`, and all began before `until`, in microseconds since the epoch.
    since: int | None = None
    until: int | None = None
    only_times: bool = False  # Whether `accepts` asks for nothing but these two times.


EVERYTHING = Filter(only_times=True)


def within(reach: Reach, wanted: Filter = EVERYTHING) -> Filter:
    """The same filter, for calls through connections that a caller may use."""
    if reach == EVERYWHERE:
        return wanted

    def accepts(call: Call) -> bool:
        caller = call.note.caller
        is_inside = caller.environment == "embedded" or not reach.embedded_only
        is_used = reach.apps is None or caller.app in reach.apps or caller.connection_id in reach.connections
        return is_inside and is_used and wanted.accepts(call)

    return replace(wanted, accepts=accepts, only_times=False)


class Page(msgspec.Struct, frozen=True):
    """`next` is the number below which the next page begins; None if there is no more."""

    calls: Sequence[Call]
    next: int | None

    def cut(self, length: int) -> "Page":
        """The page with at most so many calls; `length` is at least 1."""
        if length >= len(self.calls):
            return self
        return Page(self.calls[:length], self.calls[length - 1].number)


class Keeping(msgspec.Struct, frozen=True):
    """How many calls are kept, for how many days, and for how many days their bodies."""

    calls: int
    days: int
    body_days: int


class Requests:
    """The calls of all accounts. A call belongs to the account of the key that made it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, account_id: str, wanted: Filter = EVERYTHING, *, limit: int, before: int | None = None
    ) -> Page:
        """The newest calls, at most `limit`, with numbers lower than `before`."""
        async with self._database.reading() as tx:
            return await tx.connection.run(lambda opened: _page(opened, account_id, wanted, limit, before))

    async def get(self, account_id: str, request_id: str, among: Filter = EVERYTHING) -> Call:
        """The newest call with this request id. Raises RequestUnknown."""
        wanted = request_id.encode("utf-8", "replace")
        same = Filter(lambda call: call.note.request_id == wanted and among.accepts(call), [wanted])
        before: int | None = None
        while True:
            page = await self.page(account_id, same, limit=1, before=before)
            if page.calls:
                return page.calls[0]
            if page.next is None:
                raise RequestUnknown(request_id)
            before = page.next

    async def newest(self) -> int:
        """The highest number of all calls; 0 if there are none."""
        async with self._database.reading() as tx:
            return await tx.connection.run(store.highest)

    async def after(
        self, account_id: str, number: int, wanted: Filter = EVERYTHING
    ) -> tuple[list[Call], int]:
        """The oldest calls with higher numbers than this one, and the number up to which these are all."""

        def look(connection: sa.Connection) -> tuple[list[Call], int]:
            calls, upto = list[Call](), number
            for block in store.after(connection, account_id, number, AT_ONCE):
                those = calls_of(block)
                calls += [call for call in those if call.number > number and wanted.accepts(call)]
                upto = max(upto, those[-1].number)
            return calls, upto

        async with self._database.reading() as tx:
            return await tx.connection.run(look)

    async def last_calls(
        self, account_id: str, reach: Reach, connections: Sequence[str] | None = None
    ) -> dict[str, int]:
        """See `last_calls.of`."""
        async with self._database.reading() as tx:
            return await last_calls.of(tx, account_id, reach, connections)

    async def notices(self) -> Sequence[Notice]:
        """What the log says about itself, the newest first."""
        async with self._database.reading() as tx:
            return await store.newest_notices(tx, NOTICES)

    async def require_writable(self) -> None:
        """Raises DatabaseUnusable if no call can be written. Changes nothing."""
        async with self._database.transaction(quiet=True) as tx:
            await store.prune_notices(tx, -1)

    async def prune(self, keeping: Keeping) -> None:
        """Remove what is too old or too much, in small steps, so that nobody waits long. Raises DatabaseUnusable."""
        async with self._database.reading() as tx:
            too_many = await store.number_of_kept(tx, keeping.calls)
            upto = max(too_many, tx.now - keeping.days * _DAY)
        await sealed.prune(self._database, upto, keeping.body_days)
        while True:
            async with self._database.transaction(quiet=True) as tx:
                removed = await store.prune(tx, upto, STEP)
                await store.prune_notices(tx, upto)
                await last_calls.prune(tx)
            if removed < STEP:
                return


def _page(connection: sa.Connection, account_id: str, wanted: Filter, limit: int, before: int | None) -> Page:
    end, found = monotonic() + LONGEST_LOOK, list[Call]()
    for block in store.newest(connection, account_id, before):
        if wanted.since is not None and block.first < wanted.since:
            return Page(found, None)
        if may_contain(block.content, wanted):
            room = limit - len(found)
            calls = (
                call for call in reversed(wanted_of(block, wanted)) if before is None or call.number < before
            )
            found += islice(calls, room)
        if len(found) == limit:
            return Page(found, found[-1].number)
        if monotonic() > end:
            return Page(found, block.first)
        sleep(0)  # The event loop goes first.
    return Page(found, None)


def may_contain(content: bytes, wanted: Filter) -> bool:
    """Whether it is worth while to decode a block, which takes a hundred times as long as to search its bytes."""
    if not all(word in content for word in wanted.words):
        return False
    if not wanted.folded:
        return True
    lowered = content.lower()
    return all(word in lowered for word in wanted.folded)


def calls_of(block: Block) -> list[Call]:
    return [Call(block.first + index, block.epoch, note) for index, note in enumerate(block.notes())]


def wanted_of(block: Block, wanted: Filter) -> list[Call]:
    """The calls of a block that fit a filter."""
    notes = enumerate(block.notes()) if wanted.status is None else notes_with(block.content, wanted.status)
    calls = (Call(block.first + index, block.epoch, note) for index, note in notes)
    return [call for call in calls if wanted.accepts(call)]
