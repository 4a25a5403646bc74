"""Bodies of calls as they are kept: without secrets, and sealed by the vault."""

import asyncio
import json
from collections.abc import Iterable
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
        if content is None:
            return None
        ring = Ring(tuple(map(Key, await self._vault.derived(PURPOSE))))
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
