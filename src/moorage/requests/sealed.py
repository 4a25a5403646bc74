"""Bodies of calls as they are kept: without secrets, and sealed by the vault."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa

from moorage.logs import Log
from moorage.requests.bodies import WaitingBodies
from moorage.requests.notes import Note
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


class _Ready(NamedTuple):
    """A call's bodies without their secrets. The note is kept so that nothing else gets its `id`."""

    note: Note
    text: str


class BodyWriter:
    """Writes the bodies of calls beside the calls."""

    def __init__(self, vault: Vault, waiting: WaitingBodies) -> None:
        self._vault = vault
        self._waiting = waiting
        self._ready: dict[int, _Ready] = {}

    async def make_ready(self) -> None:
        """Remove the secrets from the bodies that wait."""
        waiting = self._waiting
        taken, waiting.waiting = waiting.waiting, []
        for each in taken:
            text = json.dumps(documents(each))
            self._ready[id(each.note)] = _Ready(each.note, text)
            waiting.held += len(text) - each.held
            await asyncio.sleep(0)  # Calls go first.

    async def write(self, tx: Transaction, numbered: Iterable[tuple[int, Note]]) -> None:
        """Write the bodies of calls that are written in the same transaction."""
        ready = self._ready
        those = [(number, note, ready[id(note)].text) for number, note in numbered if id(note) in ready]
        if not those:
            return
        try:
            ring = Ring((Key(self._vault.derive(PURPOSE)),))
        except VaultLocked:
            log.warning("requests.bodies_left_out", count=len(those))
            return
        rows = []
        for number, note, text in those:
            account_id = note.caller.account_id
            content = ring.seal(_owner(account_id, number), PURPOSE, text)
            size = len(content)
            rows.append({"number": number, "account_id": account_id, "size": size, "content": content})
        await tx.connection.execute(bodies.insert(), rows)

    def forget(self, notes: Iterable[Note]) -> None:
        """Forget the bodies of calls that were written, or never will be."""
        for note in notes:
            ready = self._ready.pop(id(note), None)
            if ready is not None:
                self._waiting.held -= len(ready.text)


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
