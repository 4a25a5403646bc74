"""Holds calls, lets people decide on them, and keeps the answers."""

from collections.abc import Collection
from typing import Any

import msgspec
from msgspec.structs import replace

from moorage.acting import acting, actor
from moorage.approvals import grant_store, sealed, store
from moorage.approvals.errors import (
    AnswerGone,
    ApprovalDecided,
    ApprovalsFull,
    ApprovalUnknown,
    ApprovalWaiting,
    HourImpossible,
)
from moorage.approvals.model import (
    STATES,
    UNDER_WAY,
    Answer,
    Approval,
    Asked,
    Grant,
    HeldCall,
    State,
)
from moorage.audit import note
from moorage.clock import Clock
from moorage.idempotency.errors import IdempotencyKeyReused
from moorage.idempotency.service import name_digest
from moorage.ids import new_uuid
from moorage.jobs.service import Jobs
from moorage.logs import Log
from moorage.policies.errors import ApprovalTooLarge
from moorage.storage import Database, Transaction
from moorage.vault.service import Vault

SEND = "approvals.send"  # The kind of the jobs that send calls.
MOST_OF_KEY = 20  # Calls that wait at once.
MOST_OF_ACCOUNT = 100
MOST_GRANTS = 20  # Of one key at once.
GRANT_SECONDS = 3600
IDEMPOTENT = 24 * 3600  # Seconds. A call with an Idempotency-Key is the same for so long.
MOST_SHOWN = 200
_SOON = 2.0  # Seconds after which a caller may ask again.

log = Log(__name__)


class Limits(msgspec.Struct, frozen=True):
    """`wait` is for how many seconds a call waits for a person; `body` is the longest body that waits, in bytes."""

    wait: int = 900
    body: int = 1024 * 1024


class Decision(msgspec.Struct, frozen=True):
    """What a person has decided. `by` is the person's name. With `an_hour`, the operation is allowed for an hour."""

    by: str
    approves: bool
    an_hour: bool = False
    note: str | None = None


class Approvals:
    """All methods raise DatabaseUnusable, and those that need the bytes of a call VaultLocked.

    Transactions are serial (`Database.transaction`), and quiet, as no process remembers held calls.
    """

    def __init__(
        self, database: Database, vault: Vault, jobs: Jobs, clock: Clock, public_url: str, limits: Limits
    ) -> None:
        self.limits = limits
        self._database = database
        self._vault = vault
        self._jobs = jobs
        self._clock = clock
        self._public_url = public_url

    def now(self) -> int:
        return int(self._clock.timestamp() * 1_000_000)

    def link(self, approval_id: str) -> str:
        """The page on which a person decides."""
        return f"{self._public_url}/approvals/{approval_id}"

    # For callers.

    async def meet(
        self, asked: Asked, call: HeldCall, idempotency: bytes | None = None
    ) -> Approval | Answer | Grant:
        """What becomes of a call that a person has to approve.

        A Grant covers it: it may be sent now. An Approval waits; while the same call of the same key waits or is being
        sent, it is that one. An Answer is that to the same call, which was sent: a program that only tries again gets
        it once, and nothing is sent a second time. `idempotency` is the caller's Idempotency-Key: with it, the same
        call is the same for a day, whatever became of it.

        Raises ApprovalTooLarge, ApprovalsFull, AnswerGone, IdempotencyKeyInvalid, IdempotencyKeyReused.
        """
        digest, name = call.digest(asked.connection_id), _name_of(idempotency)
        async with self._database.reading() as tx:
            known = await _known(tx, asked, digest, name)
            grant = None if known else await grant_store.covering(tx, asked)
        if grant is not None:
            return grant
        async with self._database.transaction(quiet=True) as tx:
            known = await _known(tx, asked, digest, name)
            if known is not None and known.state != "sent":
                return known
            answer = None if known is None else await self._delivered(tx, known)
            approval = known or await self._hold(tx, asked, call, digest, name)
        if answer is not None:
            return _whole(approval.id, answer)
        log.info("approval.held", approval=approval.id, key=asked.key_id, operation=asked.operation)
        return approval

    async def _hold(
        self, tx: Transaction, asked: Asked, call: HeldCall, digest: bytes, name: bytes | None
    ) -> Approval:
        if len(call.body) > self.limits.body:
            raise ApprovalTooLarge(self.limits.body)
        await _require_room(tx, asked)
        deadline = tx.now + self.limits.wait * 1_000_000
        approval = Approval(
            new_uuid(), asked, call.method, call.path, len(call.body), digest, "waiting", tx.now, deadline
        )
        await store.add(tx, approval, name)
        await sealed.put_call(self._vault, tx, approval.id, call)
        with acting(replace(actor(), kind="key", id=asked.key_id, name=asked.key_name)):
            await note(tx, "approval.held", approval.id, account=asked.account_id, after=_told(approval))
        return approval

    async def search(
        self, account_id: str, key_id: str | None = None, states: Collection[State] = STATES
    ) -> list[Approval]:
        """The held calls of an account, the newest first; with a key, those of that key."""
        async with self._database.reading() as tx:
            # A call whose deadline has just passed is stored as waiting, and shown as expired.
            stored = {*states, "waiting"} if "expired" in states else set(states)
            found = await store.search(tx, account_id, key_id, stored, MOST_SHOWN)
            return [approval for approval in found if approval.state_at(tx.now) in states]

    async def waiting(self, account_id: str, key_id: str | None = None) -> int:
        """How many calls of an account wait; with a key, how many of that key."""
        async with self._database.reading() as tx:
            return (await store.waiting(tx, account_id, key_id))[0]

    async def grants(self, account_id: str, key_id: str | None = None) -> list[Grant]:
        async with self._database.reading() as tx:
            return await grant_store.of_account(tx, account_id, key_id)

    async def get(self, account_id: str, approval_id: str, key_id: str | None = None) -> Approval:
        """Raises ApprovalUnknown, also for the call of another account, or of another key than `key_id`."""
        async with self._database.reading() as tx:
            return await _require(tx, account_id, approval_id, key_id)

    async def cancel(self, account_id: str, approval_id: str, key_id: str | None) -> Approval:
        """Take a call back that waits. Raises ApprovalUnknown, ApprovalDecided."""
        async with self._database.transaction(quiet=True) as tx:
            approval = await _require(tx, account_id, approval_id, key_id)
            if not await store.decide(tx, approval_id, "cancelled", note="The caller took it back."):
                raise ApprovalDecided(approval_id, approval.state_at(tx.now))
            await sealed.shred_call(self._vault, tx, approval_id)
            await note(tx, "approval.cancelled", approval_id, account=account_id)
            return await _require(tx, account_id, approval_id)

    async def answer(self, account_id: str, approval_id: str, key_id: str | None = None) -> Answer:
        """The app's answer. The caller has got it then. Raises ApprovalUnknown, ApprovalWaiting, AnswerGone."""
        async with self._database.transaction(quiet=True) as tx:
            approval = await _require(tx, account_id, approval_id, key_id)
            state = approval.state_at(tx.now)
            if state in UNDER_WAY:
                raise ApprovalWaiting(approval_id, state, _SOON)
            if state != "sent":
                raise AnswerGone(f"The held call {approval_id} is {state}. {approval.note or ''}".rstrip())
            answer = await self._delivered(tx, approval)
        return _whole(approval_id, answer)

    async def _delivered(self, tx: Transaction, approval: Approval) -> Answer:
        is_kept = approval.answer_until is not None and approval.answer_until > tx.now
        answer = await sealed.answer_of(self._vault, tx, approval.id) if is_kept else None
        if answer is None:
            raise AnswerGone(f"The answer to {approval.id} is not kept any longer.")
        await store.deliver(tx, approval.id)
        return answer

    # For people.

    async def decide(self, account_id: str, approval_id: str, decision: Decision) -> Approval:
        """Approve a call, or decline it. Who decides is a person: no caller gets here with an API key.

        Raises ApprovalUnknown, ApprovalDecided, HourImpossible.
        """
        state: State = "approved" if decision.approves else "declined"
        async with self._database.transaction(quiet=True) as tx:
            approval = await _require(tx, account_id, approval_id)
            if decision.an_hour and not approval.asked.is_of_a_kind:
                raise HourImpossible
            if not await store.decide(tx, approval_id, state, by=decision.by, note=decision.note):
                raise ApprovalDecided(approval_id, approval.state_at(tx.now))
            if decision.approves:
                await self._jobs.put(tx, SEND, {"approval": approval_id}, subject=approval_id)
                if decision.an_hour:
                    await _grant(tx, approval, decision.by)
            else:
                await sealed.shred_call(self._vault, tx, approval_id)
            after = {"note": decision.note, "an_hour": decision.an_hour, "sha256": approval.digest.hex()}
            await note(tx, f"approval.{state}", approval_id, account=account_id, after=after)
        log.info("approval.decided", approval=approval_id, state=state, an_hour=decision.an_hour)
        return replace(approval, state=state)

    async def end_grant(self, account_id: str, grant_id: str) -> Grant:
        """Raises ApprovalUnknown."""
        async with self._database.transaction(quiet=True) as tx:
            grant = await grant_store.find(tx, account_id, grant_id)
            if grant is None or not await grant_store.end(tx, grant_id):
                raise ApprovalUnknown(grant_id)
            await note(tx, "approval.grant_ended", grant_id, account=account_id)
        log.info("approval.grant_ended", grant=grant_id)
        return grant


def _whole(approval_id: str, answer: Answer) -> Answer:
    """The answer, if it was kept. Raises AnswerGone: outside of the transaction, so that it stays delivered."""
    if not answer.is_whole:
        raise AnswerGone(
            f"The app answered {approval_id} with {answer.status}, and with more than can be kept."
        )
    return answer


def _name_of(idempotency: bytes | None) -> bytes | None:
    """What is stored of an Idempotency-Key. Raises IdempotencyKeyInvalid."""
    return None if idempotency is None else name_digest(idempotency.strip().decode("latin-1"))


async def _known(tx: Transaction, asked: Asked, digest: bytes, name: bytes | None) -> Approval | None:
    """The same call, if it is known. Raises IdempotencyKeyReused."""
    if name is not None:
        named = await store.of_idempotency(tx, asked.key_id, name, tx.now - IDEMPOTENT * 1_000_000)
        if named is not None and named.digest != digest:
            raise IdempotencyKeyReused
        if named is not None:
            return named
    return await store.same_open(tx, asked.key_id, digest)


def _told(approval: Approval) -> dict[str, Any]:
    """What the audit keeps of a held call: no body, and no query."""
    asked = approval.asked
    return {
        "words": asked.words,
        "connection": asked.connection_id,
        "method": approval.method,
        "path": approval.path,
        "rule": asked.rule,
        "sha256": approval.digest.hex(),
    }


async def _require(tx: Transaction, account_id: str, approval_id: str, key_id: str | None = None) -> Approval:
    approval = await store.find(tx, approval_id)
    is_seen = approval is not None and approval.asked.account_id == account_id
    if approval is None or not is_seen or key_id not in {None, approval.asked.key_id}:
        raise ApprovalUnknown(approval_id)
    return approval


async def _require_room(tx: Transaction, asked: Asked) -> None:
    for whose, key_id, most in (
        ("this key", asked.key_id, MOST_OF_KEY),
        ("this account", None, MOST_OF_ACCOUNT),
    ):
        count, first = await store.waiting(tx, asked.account_id, key_id)
        if count >= most:
            raise ApprovalsFull(whose, most, (first - tx.now) / 1_000_000)


async def _grant(tx: Transaction, approval: Approval, by: str) -> None:
    asked = approval.asked
    given = await grant_store.of_account(tx, asked.account_id, asked.key_id)
    for grant in given[MOST_GRANTS - 1 :]:  # The oldest make room.
        await grant_store.end(tx, grant.id)
    grant = Grant(
        new_uuid(),
        asked.account_id,
        asked.key_id,
        asked.key_name,
        asked.connection_id,
        asked.connection_name,
        asked.operation,
        asked.module,
        approval.id,
        by,
        tx.now,
        tx.now + GRANT_SECONDS * 1_000_000,
    )
    await grant_store.add(tx, grant)
