"""Events are taken out of the outboxes, and given to whoever deals with them."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

from moorage.crm.storage.contract.outbox import Claim
from moorage.crm.storage.contract.records import StoreClosed, Transaction
from moorage.logs import Log
from moorage.storage.errors import DatabaseUnusable

if TYPE_CHECKING:
    from moorage.crm.organisations.service import Organisations

T = TypeVar("T")

MOST = 20  # Events that are handled at once.
REST = 60  # Seconds without events after which an organisation waits no more.
LEASE = 30  # Seconds. If the process of a relay ends, its events come again after this time.
LOOKS = 16  # Organisations that are looked into at the same time.
PAUSE = 1.0  # Seconds between two looks at all organisations that wait.

log = Log(__name__)


class Handled(msgspec.Struct, frozen=True):
    """How many events of a claim are dealt with. The others come again after `pause` seconds."""

    done: int
    pause: int = 0


# Given the id of an organisation, and some of its events of one kind in their order. It has LEASE seconds. Events may
# come again.
Handle: TypeAlias = Callable[[int, Claim], Awaitable[Handled]]


class Relay:
    """Gives the events of all organisations that wait to `handle`.

    Each kind of events of each organisation is a line of its own, with a task while there are events. So nobody waits
    for somebody else's line, and one process at a time deals with a line.
    """

    def __init__(self, organisations: "Organisations", handle: Handle) -> None:
        self._organisations = organisations
        self._handle = handle
        self._room = asyncio.Semaphore(LOOKS)
        self._tasks: dict[tuple[int, str | None], asyncio.Task[None]] = {}
        self._again: set[int] = set()  # Organisations that got events during a look.

    async def run(self) -> None:
        """Until cancelled. An organisation in which this process has written events is looked into at once."""
        loop = asyncio.get_running_loop()

        def told(organisation: int) -> None:
            with contextlib.suppress(RuntimeError):  # The loop is closed.
                loop.call_soon_threadsafe(self._look_again, organisation)

        self._organisations.on_event = told
        try:
            while True:
                with contextlib.suppress(DatabaseUnusable):  # The log line is that of the database.
                    await self.look()
                await asyncio.sleep(PAUSE)
        finally:
            self._organisations.on_event = lambda _: None
            for task in self._tasks.values():
                task.cancel()
            await self.ended()

    async def look(self) -> None:
        """Begin to deal with the events of all organisations that wait. Raises DatabaseUnusable."""
        for organisation, number in (await self._organisations.waiting.all()).items():
            self._look(organisation, number)

    async def ended(self) -> None:
        """Wait until nothing is dealt with any more."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    def _look(self, organisation: int, number: int | None = None) -> None:
        """With the `number` of `Waiting.all`, the organisation waits no more if its outbox rests."""
        self._begin((organisation, None), self._begin_lines(organisation, number))

    def _look_again(self, organisation: int) -> None:
        self._again.add(organisation)
        self._look(organisation)

    def _begin(self, key: tuple[int, str | None], work: Coroutine[Any, Any, None]) -> None:
        """Begin a look or a line, unless it is under way."""
        if key in self._tasks:
            work.close()
            return
        task = asyncio.create_task(self._guarded(key[0], work), name="crm.relay")
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    async def _guarded(self, organisation: int, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 (the organisation still waits, and others go on)
            reason = f"{type(error).__name__}: {error}"
            log.warning("crm.events_not_handled", organisation=organisation, reason=reason)

    async def _begin_lines(self, organisation: int, number: int | None) -> None:
        async with self._room:
            self._again.discard(organisation)
            looked = await written(self._organisations, organisation, _look_into)
            kinds, rests = looked or ((), False)
            if rests and number is not None:
                await self._organisations.waiting.clear(organisation, number)
        for kind in kinds:
            self._begin((organisation, kind), self._empty(organisation, kind))
        if organisation in self._again:
            await self._begin_lines(organisation, None)

    async def _empty(self, organisation: int, kind: str) -> None:
        """Deal with the events of a line until there are no more, or they have to pause."""
        while True:
            claim = await written(
                self._organisations, organisation, lambda tx: tx.outbox.claim(kind, MOST, LEASE)
            )
            if claim is None or not claim.events:  # Or the organisation is gone, or another holds its events.
                return
            try:
                handled = await self._handle(organisation, claim)
            except asyncio.CancelledError:
                await self._settle(organisation, claim, Handled(0))
                raise
            await self._settle(organisation, claim, handled)
            if handled.done < len(claim.events):
                return

    async def _settle(self, organisation: int, claim: Claim, handled: Handled) -> None:
        await written(
            self._organisations, organisation, lambda tx: tx.outbox.settle(claim, handled.done, handled.pause)
        )


def _look_into(transaction: Transaction) -> tuple[tuple[str, ...], bool]:
    """The kinds that are due, and whether the outbox rests."""
    kinds = tuple(transaction.outbox.due())
    return kinds, not kinds and transaction.outbox.rest(REST)


async def written(organisations: "Organisations", identity: int, job: Callable[[Transaction], T]) -> T | None:
    """What a job gives, in the organisation as it is now; None if there is none."""
    while (organisation := await organisations.open(identity)) is not None:
        try:
            return await organisation.store.write(job)
        except StoreClosed:  # It was changed or moved meanwhile.
            continue
    return None
