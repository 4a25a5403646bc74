"""Sends calls that were approved: each at most once, whatever ends or is killed meanwhile.

A call is claimed by a conditional update that is on disk before its first byte leaves. What was claimed and has no end
is unknown, and nobody sends it again.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from typing import Protocol

from moorage import audit
from moorage.approvals import grant_store, sealed, store
from moorage.approvals.model import Answer, Approval, HeldCall, State
from moorage.errors import MoorageError
from moorage.http.errors import STATUS
from moorage.jobs import Job, Work, owners
from moorage.logs import Log
from moorage.storage import Database, Transaction
from moorage.storage.errors import DatabaseUnusable
from moorage.vault.service import Vault

SOON = 300  # Seconds. A call that could not be sent so soon after it was approved is not sent any more.
KEPT_ANSWER = 24 * 3600  # Seconds.
KEPT_CALL = 30 * 24 * 3600  # Seconds. What became of a call is shown for so long.
LOST = 3600  # Seconds. A sending that takes longer was lost with a machine that nobody can ask.
SWEEP_EVERY = 60.0
_BATCH = 100
_AGAIN = 1.0  # Seconds.

# Sends a call whose token and connection are ready. Raises Unsent if no byte has left, and any other error if one may
# have.
Ready = Callable[[], Awaitable[Answer]]

log = Log(__name__)


class Unsent(Exception):
    """No byte of the call has left."""


def reason_of(error: MoorageError | Unsent) -> str:
    """Why a call can't be sent, for people. The key is that of the call, which they do not have."""
    if not isinstance(error, MoorageError):
        return str(error)
    return "its API key was revoked, or has ended." if error.code == "key_invalid" else error.message


class Sender(Protocol):
    async def prepare(self, approval: Approval, call: HeldCall) -> Ready:
        """Make ready to send a call as its key would send it now.

        Raises MoorageError if the key is not alive or not allowed any more, or the connection is not ACTIVE.
        """


class Sending:
    """`sender` gives what sends: the gateway, which is made later than this."""

    def __init__(self, database: Database, vault: Vault, sender: Callable[[], Sender]) -> None:
        self._database = database
        self._vault = vault
        self._sender = sender
        self._own_name = owners.name_of(os.getpid())

    def works(self, kind: str) -> tuple[Work, Work]:
        """The jobs that send calls, and the one that notes what nobody else does."""

        async def send(job: Job) -> None:
            await self.send(job.payload["approval"])

        return Work(kind, send), Work("approvals.sweep", lambda _: self.sweep(), every=SWEEP_EVERY)

    async def send(self, approval_id: str) -> None:
        """Send a call, if it is approved and nobody has begun to send it. To ask again is safe at any time."""
        async with self._database.reading() as tx:
            approval = await store.find(tx, approval_id)
        if approval is None:
            return
        if approval.state == "sending":
            await self._give_up_lost([approval])
        if approval.state != "approved":
            return
        call = await self._vault.read(lambda tx: sealed.call_of(self._vault, tx, approval_id))
        if call is None or call.digest(approval.asked.connection_id) != approval.digest:
            await self._take_back(approval, "declined", "Its bytes are not those that were held.")
            return
        try:
            ready = await self._sender().prepare(approval, call)
        except MoorageError as error:
            if STATUS.get(error.code, 500) >= 500:
                raise  # That may pass, and nothing was sent. The job is tried again.
            await self._take_back(approval, "declined", f"It was approved, and not sent: {reason_of(error)}")
            return
        if await self._claim(approval):
            await self._send(approval, ready)

    async def _claim(self, approval: Approval) -> bool:
        async with self._database.transaction(quiet=True) as tx:
            return await store.claim(tx, approval.id, self._own_name, tx.now - SOON * 1_000_000)

    async def _send(self, approval: Approval, ready: Ready) -> None:
        try:
            answer = await ready()
        except Unsent as error:
            await self._ended(approval, "failed", note=f"Nothing was sent: {error}")
        except Exception as error:  # noqa: BLE001 (whatever it is, a byte may have left)
            reason = error.message if isinstance(error, MoorageError) else type(error).__name__
            await self._ended(approval, "unknown", note=f"It may have reached the app: {reason}")
        except asyncio.CancelledError:
            note = "It may have reached the app: the server stopped while it was sent."
            await asyncio.shield(self._end(approval, "unknown", note=note))
            raise
        else:
            await self._ended(approval, "sent", answer=answer)

    async def _ended(
        self, approval: Approval, state: State, *, note: str | None = None, answer: Answer | None = None
    ) -> None:
        """`_end`, as soon as the database can be used: only this process knows how it ended."""
        while True:
            with contextlib.suppress(DatabaseUnusable):
                await self._end(approval, state, note=note, answer=answer)
                return
            await asyncio.sleep(_AGAIN)

    async def _end(
        self, approval: Approval, state: State, *, note: str | None = None, answer: Answer | None = None
    ) -> None:
        async with self._database.transaction(quiet=True) as tx:
            status = None if answer is None else answer.status
            until = None if answer is None else tx.now + KEPT_ANSWER * 1_000_000
            if not await store.end(
                tx, approval.id, self._own_name, state, note=note, status=status, until=until
            ):
                return
            if answer is not None:
                await sealed.put_answer(self._vault, tx, approval.id, answer)
            await sealed.shred_call(self._vault, tx, approval.id)
            await _audit(tx, approval, state, note=note, status=status)
        log.info("approval.ended", approval=approval.id, state=state, status=status)

    async def _take_back(self, approval: Approval, state: State, note: str) -> None:
        async with self._database.transaction(quiet=True) as tx:
            if await store.take_back(tx, approval.id, state, note):
                await sealed.shred_call(self._vault, tx, approval.id)
                await _audit(tx, approval, state, note=note)
        log.info("approval.ended", approval=approval.id, state=state, reason=note)

    # What nobody else notes.

    async def sweep(self) -> None:
        """Note what has expired and what was lost, and shred what need not be kept."""
        async with self._database.reading() as tx:
            sendings = await store.sendings(tx)
        await self._give_up_lost(sendings)
        async with self._database.transaction(quiet=True) as tx:
            await self._expire(tx)
            await self._forget(tx)

    async def _give_up_lost(self, sendings: list[Approval]) -> None:
        async with self._database.transaction(quiet=True) as tx:
            for approval in sendings:
                is_over = tx.now - (approval.sending or 0) > LOST * 1_000_000
                if not is_over and not (approval.sender and owners.has_ended(approval.sender)):
                    continue
                note = "It may have reached the app: the process that sent it has ended."
                if await store.give_up(tx, approval.id, note):
                    await sealed.shred_call(self._vault, tx, approval.id)
                    await _audit(tx, approval, "unknown", note=note)
                    log.warning("approval.unknown", approval=approval.id)

    async def _expire(self, tx: Transaction) -> None:
        for approval in await store.overdue(tx, tx.now - SOON * 1_000_000, _BATCH):
            note = "Nobody decided in time."
            if approval.state == "approved":
                note = f"It was approved, and could not be sent within {SOON // 60} minutes."
            if await store.expire(tx, approval, note):
                await sealed.shred_call(self._vault, tx, approval.id)
                await _audit(tx, approval, "expired", note=note)

    async def _forget(self, tx: Transaction) -> None:
        answered = await store.answers_before(tx, tx.now, _BATCH)
        ended = await store.ended_before(tx, tx.now - KEPT_CALL * 1_000_000, _BATCH)
        for approval_id in {*answered, *ended}:
            await self._vault.shred_in(tx, sealed.owner(approval_id))
        if answered:
            await store.forget_answers(tx, answered)
        if ended:
            await store.remove(tx, ended)
        await grant_store.remove_ended(tx)


async def _audit(tx: Transaction, approval: Approval, state: State, **after: object) -> None:
    await audit.note(tx, f"approval.{state}", approval.id, account=approval.asked.account_id, after=after)
