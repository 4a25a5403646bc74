"""The table of held calls. Each step from one state to the next is one conditional update: of several processes that
try it, one succeeds.
"""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from msgspec.structs import asdict

from moorage.approvals.model import Approval, Asked, State
from moorage.storage import Transaction

_metadata = sa.MetaData()
approvals = sa.Table(
    "approvals",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text),
    sa.Column("key_id", sa.Text),
    sa.Column("connection_id", sa.Text),
    sa.Column("asked", sa.JSON),
    sa.Column("method", sa.Text),
    sa.Column("path", sa.Text),
    sa.Column("size", sa.Integer),
    sa.Column("digest", sa.LargeBinary),
    sa.Column("state", sa.Text),
    sa.Column("created_at", sa.BigInteger),
    sa.Column("deadline", sa.BigInteger),
    sa.Column("decided_at", sa.BigInteger),
    sa.Column("decided_by", sa.Text),
    sa.Column("note", sa.Text),
    # The process that sends the call, or has sent it.
    sa.Column("sender", sa.Text),
    sa.Column("sending_at", sa.BigInteger),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("answer_status", sa.Integer),
    sa.Column("answer_until", sa.BigInteger),
    # When the caller got the answer.
    sa.Column("delivered_at", sa.BigInteger),
    # SHA-256 of the Idempotency-Key that the call came with.
    sa.Column("idempotency", sa.LargeBinary),
)


async def add(tx: Transaction, approval: Approval, idempotency: bytes | None) -> None:
    asked = approval.asked
    values = {
        "id": approval.id,
        "account_id": asked.account_id,
        "key_id": asked.key_id,
        "connection_id": asked.connection_id,
        "asked": asdict(asked),
        "method": approval.method,
        "path": approval.path,
        "size": approval.size,
        "digest": approval.digest,
        "state": approval.state,
        "created_at": approval.created,
        "deadline": approval.deadline,
        "idempotency": idempotency,
    }
    await tx.connection.execute(approvals.insert().values(values))


async def find(tx: Transaction, approval_id: str) -> Approval | None:
    row = (await tx.connection.execute(sa.select(approvals).where(approvals.c.id == approval_id))).first()
    return _approval(row) if row else None


async def same_open(tx: Transaction, key_id: str, digest: bytes) -> Approval | None:
    """The same call of the same key that waits or is on its way, or whose answer the caller has not got yet."""
    is_same = (approvals.c.key_id == key_id) & (approvals.c.digest == digest)
    is_under_way = approvals.c.state.in_(("approved", "sending")) | _waits(tx)
    is_answered = approvals.c.delivered_at.is_(None) & (approvals.c.answer_until > tx.now)
    is_open = is_under_way | ((approvals.c.state == "sent") & is_answered)
    query = sa.select(approvals).where(is_same & is_open).order_by(approvals.c.created_at).limit(1)
    row = (await tx.connection.execute(query)).first()
    return _approval(row) if row else None


async def same_before(tx: Transaction, approval: Approval) -> Approval | None:
    """The newest call that was the same, of the same key, and that was sent, or may have been."""
    is_same = (approvals.c.key_id == approval.asked.key_id) & (approvals.c.digest == approval.digest)
    was_sent = approvals.c.state.in_(("sent", "unknown")) & (approvals.c.created_at <= approval.created)
    query = sa.select(approvals).where(is_same & was_sent).order_by(approvals.c.created_at.desc()).limit(1)
    row = (await tx.connection.execute(query)).first()
    return _approval(row) if row else None


async def of_idempotency(tx: Transaction, key_id: str, idempotency: bytes, after: int) -> Approval | None:
    """The call of a key that came with an Idempotency-Key after this time."""
    is_same = (approvals.c.key_id == key_id) & (approvals.c.idempotency == idempotency)
    query = sa.select(approvals).where(is_same & (approvals.c.created_at > after)).limit(1)
    row = (await tx.connection.execute(query)).first()
    return _approval(row) if row else None


async def deliver(tx: Transaction, approval_id: str) -> bool:
    """Note that the caller gets the answer. Returns False if it had got it already."""
    is_first = (approvals.c.id == approval_id) & approvals.c.delivered_at.is_(None)
    return await _change(tx, is_first, {"delivered_at": tx.now})


async def waiting(tx: Transaction, account_id: str, key_id: str | None = None) -> tuple[int, int]:
    """How many calls of an account, or of one of its keys, wait; and when the first of them ends to wait."""
    is_counted = (approvals.c.account_id == account_id) & _waits(tx)
    if key_id is not None:
        is_counted &= approvals.c.key_id == key_id
    query = sa.select(sa.func.count(), sa.func.min(approvals.c.deadline)).where(is_counted)
    row = (await tx.connection.execute(query)).first()
    return row[0], row[1] or tx.now


async def count_waiting(tx: Transaction) -> dict[tuple[str, ...], float]:
    """How many calls of all accounts wait."""
    query = sa.select(sa.func.count()).select_from(approvals).where(_waits(tx))
    return {(): (await tx.connection.execute(query)).scalar() or 0}


async def search(
    tx: Transaction, account_id: str, key_id: str | None, states: Collection[State], limit: int
) -> list[Approval]:
    """The calls of an account in these states, the newest first; with a key, those of that key."""
    is_shown = (approvals.c.account_id == account_id) & approvals.c.state.in_(states)
    if key_id is not None:
        is_shown &= approvals.c.key_id == key_id
    order = approvals.c.created_at.desc(), approvals.c.id
    rows = await tx.connection.execute(sa.select(approvals).where(is_shown).order_by(*order).limit(limit))
    return [_approval(row) for row in rows]


async def decide(
    tx: Transaction, approval_id: str, state: State, *, by: str | None = None, note: str | None = None
) -> bool:
    """End the wait of a call. Returns False if it does not wait: then nothing is changed."""
    values = {"state": state, "decided_at": tx.now, "decided_by": by, "note": note}
    if state != "approved":
        values["ended_at"] = tx.now
    return await _change(tx, (approvals.c.id == approval_id) & _waits(tx), values)


async def claim(tx: Transaction, approval_id: str, sender: str, decided_after: int) -> bool:
    """Begin to send a call that was approved lately. Of several processes that try, one gets True."""
    is_approved = (approvals.c.id == approval_id) & (approvals.c.state == "approved")
    is_late = approvals.c.decided_at <= decided_after
    values = {"state": "sending", "sender": sender, "sending_at": tx.now}
    return await _change(tx, is_approved & ~is_late, values)


async def take_back(tx: Transaction, approval_id: str, state: State, note: str) -> bool:
    """End a call that was approved and not sent yet."""
    is_approved = (approvals.c.id == approval_id) & (approvals.c.state == "approved")
    return await _change(tx, is_approved, {"state": state, "note": note, "ended_at": tx.now})


async def end(
    tx: Transaction,
    approval_id: str,
    sender: str,
    state: State,
    *,
    note: str | None = None,
    status: int | None = None,
    until: int | None = None,
) -> bool:
    """Note how the sending has ended. The sender itself knows better than somebody who gave it up as unknown."""
    is_own = (approvals.c.id == approval_id) & (approvals.c.sender == sender)
    is_open = approvals.c.state.in_(("sending", "unknown"))
    values = {
        "state": state,
        "ended_at": tx.now,
        "answer_status": status,
        "answer_until": until,
        "note": note,
    }
    return await _change(tx, is_own & is_open, values)


async def sendings(tx: Transaction) -> list[Approval]:
    rows = await tx.connection.execute(sa.select(approvals).where(approvals.c.state == "sending"))
    return [_approval(row) for row in rows]


async def give_up(tx: Transaction, approval_id: str, note: str) -> bool:
    """Note that nobody knows whether a call was sent. It is never sent again."""
    is_sending = (approvals.c.id == approval_id) & (approvals.c.state == "sending")
    return await _change(tx, is_sending, {"state": "unknown", "note": note, "ended_at": tx.now})


async def overdue(tx: Transaction, decided_before: int, most: int) -> list[Approval]:
    """Those that wait behind their deadline, and those that were approved before this time and not sent."""
    is_late = (approvals.c.state == "waiting") & ~_waits(tx)
    is_unsent = (approvals.c.state == "approved") & (approvals.c.decided_at <= decided_before)
    rows = await tx.connection.execute(sa.select(approvals).where(is_late | is_unsent).limit(most))
    return [_approval(row) for row in rows]


async def expire(tx: Transaction, approval: Approval, note: str) -> bool:
    is_same = (approvals.c.id == approval.id) & (approvals.c.state == approval.state)
    return await _change(tx, is_same, {"state": "expired", "note": note, "ended_at": tx.now})


async def answers_before(tx: Transaction, until: int, most: int) -> list[str]:
    """The ids of calls whose answer need not be kept any longer."""
    is_over = approvals.c.answer_until <= until
    rows = await tx.connection.execute(sa.select(approvals.c.id).where(is_over).limit(most))
    return [row.id for row in rows]


async def forget_answers(tx: Transaction, ids: Collection[str]) -> None:
    await tx.connection.execute(approvals.update().where(approvals.c.id.in_(ids)).values(answer_until=None))


async def ended_before(tx: Transaction, ended: int, most: int) -> list[str]:
    rows = await tx.connection.execute(
        sa.select(approvals.c.id).where(approvals.c.ended_at <= ended).limit(most)
    )
    return [row.id for row in rows]


async def remove(tx: Transaction, ids: Collection[str]) -> None:
    await tx.connection.execute(approvals.delete().where(approvals.c.id.in_(ids)))


async def _change(tx: Transaction, which: sa.ColumnElement[bool], values: dict[str, Any]) -> bool:
    return (await tx.connection.execute(approvals.update().where(which).values(values))).rowcount == 1


def _waits(tx: Transaction) -> sa.ColumnElement[bool]:
    return (approvals.c.state == "waiting") & (approvals.c.deadline > tx.now)


def _approval(row: Any) -> Approval:
    return Approval(
        id=row.id,
        asked=Asked(**row.asked),
        method=row.method,
        path=row.path,
        size=row.size,
        digest=row.digest,
        state=row.state,
        created=row.created_at,
        deadline=row.deadline,
        decided=row.decided_at,
        decided_by=row.decided_by,
        note=row.note,
        sender=row.sender,
        sending=row.sending_at,
        ended=row.ended_at,
        answer_status=row.answer_status,
        answer_until=row.answer_until,
    )
