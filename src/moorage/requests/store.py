"""The tables of the request log.

Calls are in blocks: calls of one account, in the order in which they ended. So a call costs hardly more than the bytes
of its block, and no index (decision 0064). The call at `index` of a block has the number `first + index`. Numbers are
microseconds since the epoch at first, but only their order counts.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from moorage.requests import last_calls
from moorage.requests.blocks import NewBlock, notes_of
from moorage.requests.notes import LONGEST_SHEET, Note
from moorage.storage import Transaction
from moorage.storage.upsert import upsert

blocks = sa.Table(
    "blocks",
    sa.MetaData(),
    sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("last", sa.BigInteger),
    sa.Column("account_id", sa.Text),
    sa.Column("count", sa.Integer),
    # The time at which the monotonic clock of its writer stood at 0, in microseconds since the epoch.
    sa.Column("epoch", sa.BigInteger),
    sa.Column("content", sa.LargeBinary),
)
notices = sa.Table(
    "notices",
    sa.MetaData(),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text),
    sa.Column("since", sa.BigInteger),
    sa.Column("count", sa.BigInteger),
)
writers = sa.Table(
    "writers",
    sa.MetaData(),
    # The name of a process (`jobs/owners.py`).
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("seen_at", sa.BigInteger),
)

LONGEST_BLOCK = LONGEST_SHEET  # Calls.
_BLOCKS = sa.select(blocks.c.first, blocks.c.epoch, blocks.c.content)


class Block(msgspec.Struct, frozen=True):
    first: int
    epoch: int
    content: bytes

    def notes(self) -> list[Note]:
        return notes_of(self.content)


class Notice(msgspec.Struct, frozen=True):
    """Something about the log itself. `kind` is `interrupted`, `dropped` or `strangers`; times are microseconds."""

    number: int
    kind: str
    since: int | None
    count: int | None


def add(now: int, epoch: int, new: Sequence[NewBlock], connection: sa.Connection) -> list[int]:
    """Add blocks, and note which connections they called. Returns the numbers of their first calls."""
    first, firsts, rows = max(now, highest(connection) + 1), list[int](), []
    for block in new:
        firsts.append(first)
        last = first + block.count - 1
        row = {"first": first, "last": last, "account_id": block.account_id, "count": block.count}
        rows.append({**row, "epoch": epoch, "content": block.content})
        first = last + 1
    connection.execute(blocks.insert(), rows)
    last_calls.note(now, {caller for block in new for caller in block.callers}, connection)
    return firsts


def highest(connection: sa.Connection) -> int:
    """The highest number of all calls; 0 if there are none."""
    newest_block = sa.select(blocks.c.last).order_by(blocks.c.first.desc()).limit(1)
    return connection.execute(newest_block).scalar() or 0


def newest(connection: sa.Connection, account_id: str, before: int | None) -> Iterator[Block]:
    """The blocks with calls of an account whose numbers are lower than `before`, the newest first."""
    while True:
        statement = _BLOCKS.where(blocks.c.account_id == account_id).order_by(blocks.c.first.desc()).limit(20)
        if before is not None:
            statement = statement.where(blocks.c.first < before)
        rows = connection.execute(statement).all()
        yield from map(_block, rows)
        if len(rows) < 20:
            return
        before = rows[-1].first


def firsts(connection: sa.Connection, account_id: str, since: int, most: int) -> list[int]:
    """The first numbers of the newest blocks, at most so many, with calls of an account from a number on."""
    is_wanted = (blocks.c.account_id == account_id) & (blocks.c.first >= since)
    statement = sa.select(blocks.c.first).where(is_wanted).order_by(blocks.c.first.desc()).limit(most)
    return list(connection.execute(statement).scalars())


def those(connection: sa.Connection, firsts: Sequence[int]) -> Iterator[Block]:
    """The blocks with these first numbers, the newest first."""
    for index in range(0, len(firsts), 20):
        few = firsts[index : index + 20]
        statement = _BLOCKS.where(blocks.c.first.in_(few)).order_by(blocks.c.first.desc())
        yield from map(_block, connection.execute(statement).all())


def after(connection: sa.Connection, account_id: str, number: int, most: int) -> list[Block]:
    """The oldest blocks, at most so many, with calls of an account whose numbers are higher than `number`."""
    statement = (
        _BLOCKS.where(blocks.c.account_id == account_id, blocks.c.last > number)
        # No older block reaches so far. By the index; `last` alone would have to be read in all blocks.
        .where(blocks.c.first > number - LONGEST_BLOCK)
        .order_by(blocks.c.first)
        .limit(most)
    )
    return [_block(row) for row in connection.execute(statement)]


def _block(row: Any) -> Block:
    return Block(row.first, row.epoch, bytes(row.content))


async def notice(tx: Transaction, kind: str, since: int | None, count: int | None) -> None:
    highest = (await tx.connection.execute(sa.select(sa.func.max(notices.c.number)))).scalar() or 0
    values = {"number": max(tx.now, highest + 1), "kind": kind, "since": since, "count": count}
    await tx.connection.execute(notices.insert().values(values))


async def newest_notices(tx: Transaction, most: int) -> list[Notice]:
    rows = await tx.connection.execute(sa.select(notices).order_by(notices.c.number.desc()).limit(most))
    return [Notice(row.number, row.kind, row.since, row.count) for row in rows]


async def all_writers(tx: Transaction) -> dict[str, int]:
    """The processes that write, and when each was seen last."""
    rows = await tx.connection.execute(sa.select(writers.c.name, writers.c.seen_at))
    return {row.name: row.seen_at for row in rows}


async def seen(tx: Transaction, name: str) -> None:
    await tx.connection.execute(upsert(writers, {"name": name}, {"seen_at": tx.now}))


async def remove_writer(tx: Transaction, name: str) -> None:
    await tx.connection.execute(writers.delete().where(writers.c.name == name))


async def prune(tx: Transaction, upto: int, most: int) -> int:
    """Remove the oldest blocks whose last number is at most `upto`, at most so many. Returns their number."""
    # That `first` is lower, too, ends the search at `upto`, rather than at the newest block.
    is_old = (blocks.c.first <= upto) & (blocks.c.last <= upto)
    oldest = sa.select(blocks.c.first).where(is_old).order_by(blocks.c.first).limit(most)
    removed = await tx.connection.execute(blocks.delete().where(blocks.c.first.in_(oldest)))
    return removed.rowcount


async def prune_notices(tx: Transaction, upto: int) -> None:
    await tx.connection.execute(notices.delete().where(notices.c.number <= upto))


async def number_of_kept(tx: Transaction, most: int) -> int:
    """The number up to which there are more than `most` newer calls; 0 if there are not so many."""
    return await tx.connection.run(lambda opened: no_room(opened, blocks.c.first, blocks.c.count, most))


def no_room(connection: sa.Connection, number: sa.Column[int], size: sa.Column[int], most: int) -> int:
    """The highest number whose row has no room beside newer ones if all sizes are `most` together; 0 if all have."""
    too_much = (connection.execute(sa.select(sa.func.sum(size))).scalar() or 0) - most
    found = 0
    while too_much > 0:  # It is looked for from the oldest on, as that is nearer.
        oldest = sa.select(number, size).where(number > found).order_by(number).limit(1000)
        for row in connection.execute(oldest):
            if too_much > 0:
                found, too_much = int(row[0]), too_much - row[1]
    return found
