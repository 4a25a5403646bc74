"""Bodies of calls as they are kept: without secrets, and sealed by the vault."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import sqlalchemy as sa

from moorage.logs import Log
from moorage.requests.blocks import NewBlock
from moorage.requests.bodies import WaitingBodies
from moorage.requests.notes import Sheet
from moorage.requests.redaction import documents
from moorage.requests.store import no_room
from moorage.storage import Database, Transaction
from moorage.vault.errors import VaultLocked
from moorage.vault.model import Key, Ring
from moorage.vault.service import Vault

# The purpose of the key that seals them. A rotation of the vault keeps the old one for as long as bodies are kept.
PURPOSE = "bodies of the request log"
MOST_SHOWN = 8 * 1024 * 1024  # Bytes of the bodies that one list shows.
MOST_KEPT = 1024 * 1024 * 1024  # Bytes of all bodies.
STEP = 100  # Bodies that are removed at once.
_DAY = 24 * 3600 * 1_000_000

bodies = sa.Table(
    "bodies",
    sa.MetaData(),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("account_id", sa.Text),
    sa.Column("size", sa.Integer),
    sa.Column("content", sa.LargeBinary),
)

log = Log(__name__)


class BodyWriter:
    """Writes the bodies of calls beside the calls."""

    def __init__(self, vault: Vault, waiting: WaitingBodies) -> None:
        self._vault = vault
        self._waiting = waiting

    async def texts(self, sheet: Sheet) -> dict[int, str]:
        """The bodies of the calls of a sheet without their secrets, by the index of the call."""
        texts = {}
        for index, bodies in sheet.bodies.items():
            texts[index] = text = json.dumps(documents(bodies))
            self._waiting.held += len(text) - bodies.held
            await asyncio.sleep(0)  # Calls go first.
        return texts

    async def write(self, tx: Transaction, numbered: Iterable[tuple[int, NewBlock]]) -> None:
        """Write the bodies of blocks that are written in the same transaction, by the numbers of their first calls."""
        those = [
            (block.account_id, first + index, text)
            for first, block in numbered
            for index, text in block.bodies.items()
        ]
        if not those:
            return
        try:
            ring = Ring((Key(self._vault.derive(PURPOSE)),))
        except VaultLocked:
            log.warning("requests.bodies_left_out", count=len(those))
            return
        rows = []
        for account_id, number, text in those:
            content = ring.seal(_owner(account_id, number), PURPOSE, text)
            size = len(content)
            rows.append({"number": number, "account_id": account_id, "size": size, "content": content})
        await tx.connection.execute(bodies.insert(), rows)

    def forget(self, blocks: Iterable[NewBlock]) -> None:
        """Forget the bodies of calls that were written, or never will be."""
        for block in blocks:
            self._waiting.held -= sum(map(len, block.bodies.values()))


class KeptBodies:
    """The bodies that are kept. Only whoever may see bodies gets them."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def of(self, account_id: str, number: int) -> dict[str, Any] | None:
        """The bodies of a call; None if none are kept, or the key that sealed them is gone. Raises VaultLocked."""
        is_it = (bodies.c.number == number) & (bodies.c.account_id == account_id)
        async with self._database.reading() as tx:
            content = (await tx.connection.execute(sa.select(bodies.c.content).where(is_it))).scalar()
        return None if content is None else _opened(await self._ring(), account_id, number, content)

    async def of_calls(self, account_id: str, numbers: Sequence[int]) -> list[dict[str, Any] | None]:
        """As `of`, for the first of these calls: as many as have MOST_SHOWN bytes together, and one at least."""
        is_one = bodies.c.account_id == account_id
        async with self._database.reading() as tx:
            sized = sa.select(bodies.c.number, bodies.c.size).where(is_one, bodies.c.number.in_(numbers))
            sizes = {row.number: row.size for row in await tx.connection.execute(sized)}
            together = accumulate(sizes.get(number, 0) for number in numbers)
            first = numbers[: max(1, sum(size <= MOST_SHOWN for size in together))]
            wanted = sa.select(bodies.c.number, bodies.c.content).where(is_one, bodies.c.number.in_(first))
            contents = {row.number: row.content for row in await tx.connection.execute(wanted)}
        if not contents:
            return [None] * len(first)
        ring, shown = await self._ring(), list[dict[str, Any] | None]()
        for number in first:
            content = contents.get(number)
            shown.append(None if content is None else _opened(ring, account_id, number, content))
            await asyncio.sleep(0)  # Calls go first.
        return shown

    async def _ring(self) -> Ring:
        """Every key that may have sealed bodies. Raises VaultLocked."""
        return Ring(tuple(map(Key, await self._vault.derived(PURPOSE))))


def _opened(ring: Ring, account_id: str, number: int, content: bytes) -> dict[str, Any] | None:
    try:
        shown: dict[str, Any] = json.loads(ring.open(_owner(account_id, number), PURPOSE, bytes(content)))
    except VaultLocked:
        return None
    return shown


async def prune(database: Database, upto: int, days: int) -> None:
    """Remove the bodies of calls up to a number, older ones, and those that are too much, in small steps."""
    async with database.reading() as tx:
        upto = max(upto, tx.now - days * _DAY, await tx.connection.run(_too_many))
    oldest = sa.select(bodies.c.number).where(bodies.c.number <= upto).order_by(bodies.c.number).limit(STEP)
    while True:
        async with database.transaction(quiet=True) as tx:
            removed = await tx.connection.execute(bodies.delete().where(bodies.c.number.in_(oldest)))
        if removed.rowcount < STEP:
            return


def _too_many(connection: sa.Connection) -> int:
    """The number up to which there is no room beside newer bodies; 0 if there is room for all."""
    return no_room(connection, bodies.c.number, bodies.c.size, MOST_KEPT)


def _owner(account_id: str, number: int) -> str:
    return f"{account_id} {number}"
