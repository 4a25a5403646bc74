"""Events are taken out of the outboxes, and given to whoever deals with them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from moorage.crm.storage.contract.outbox import Claim, Event
from moorage.crm.storage.contract.records import StoreClosed, Transaction
from moorage.logs import Log

if TYPE_CHECKING:
    from moorage.crm.organisations.service import Organisations

T = TypeVar("T")
# Given the id of an organisation, and some of its events in their order. Events may come again.
Handle: TypeAlias = Callable[[int, Sequence[Event]], Awaitable[None]]

MOST = 100  # Events that are handled at once.
REST = 60  # Seconds without events after which an organisation waits no more.
LEASE = 60  # Seconds. If `handle` fails or its process ends, the events come again after this time.

log = Log(__name__)


async def relay(organisations: "Organisations", handle: Handle) -> None:
    """Handle all events of the organisations that wait now, one organisation after the other.

    What fails in one organisation does not hold up the others. Raises DatabaseUnusable if the registry can't be read.
    """
    for organisation, number in (await organisations.waiting.all()).items():
        try:
            await _empty(organisations, organisation, number, handle)
        except Exception as error:  # noqa: BLE001 (the organisation still waits)
            reason = f"{type(error).__name__}: {error}"
            log.warning("crm.events_not_handled", organisation=organisation, reason=reason)


async def _empty(organisations: "Organisations", organisation: int, number: int, handle: Handle) -> None:
    while True:
        claim, rests = await _written(organisations, organisation, _claim) or (None, False)
        if rests:
            await organisations.waiting.clear(organisation, number)
        if claim is None or not claim.events:  # Or the organisation is gone, or another holds its events.
            return
        try:
            await handle(organisation, claim.events)
        except asyncio.CancelledError:
            await _written(organisations, organisation, partial(_release, claim))
            raise
        await _written(organisations, organisation, partial(_acknowledge, claim))


def _claim(transaction: Transaction) -> tuple[Claim | None, bool]:
    """A claim, and whether the outbox rests."""
    claim = transaction.outbox.claim(MOST, LEASE)
    return claim, claim is not None and not claim.events and transaction.outbox.rest(REST)


def _release(claim: Claim, transaction: Transaction) -> bool:
    return transaction.outbox.release(claim)


def _acknowledge(claim: Claim, transaction: Transaction) -> bool:
    return transaction.outbox.acknowledge(claim)


async def _written(
    organisations: "Organisations", identity: int, job: Callable[[Transaction], T]
) -> T | None:
    """What a job gives, in the organisation as it is now; None if there is none."""
    while (organisation := await organisations.open(identity)) is not None:
        try:
            return await organisation.store.write(job)
        except StoreClosed:  # It was changed or moved meanwhile.
            continue
    return None
