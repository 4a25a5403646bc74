"""The numbers that are in the control database. They are read when somebody asks for the metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import TypeAlias

from moorage.logs import Log
from moorage.metrics.numbers import Key
from moorage.storage import Database, Transaction
from moorage.storage.errors import DatabaseUnusable
from moorage.vault.errors import VaultLocked
from moorage.vault.service import Vault

PATIENCE = 2.0  # Seconds that an answer waits for the database.
KEPT = 5.0  # Seconds for which numbers are used again, so that many questions cost no more than a few.

# By the values of the labels. A metric without a number is left out.
Reading: TypeAlias = Callable[[Transaction], Awaitable[Mapping[tuple[str, ...], float]]]

_UP: Key = ("moorage_database_up",)
log = Log(__name__)


class Readings:
    """`readings` are by the names of their metrics."""

    def __init__(self, database: Database, vault: Vault, readings: Mapping[str, Reading]) -> None:
        self._database = database
        self._vault = vault
        self._readings = readings
        self._read: tuple[float, Mapping[Key, float]] = (-KEPT, {})
        self._running: asyncio.Task[Mapping[Key, float]] | None = None

    async def look(self) -> Mapping[Key, float]:
        """The numbers; only that the database is not up if it does not give them in time."""
        read_at, numbers = self._read
        if monotonic() - read_at < KEPT:
            return numbers
        if self._running is None:
            self._running = asyncio.ensure_future(self._all())
        running = self._running
        # A question that takes longer goes on, so that slow ones do not become many.
        done, _ = await asyncio.wait([running], timeout=PATIENCE)
        if not done:
            return {_UP: 0}
        if self._running is running:
            self._running = None
            self._read = (monotonic(), running.result())
        return running.result()

    async def _all(self) -> Mapping[Key, float]:
        numbers: dict[Key, float] = {}
        try:
            async with self._database.reading() as tx:
                for name, reading in self._readings.items():
                    numbers |= {(name, *labels): value for labels, value in (await reading(tx)).items()}
            numbers["moorage_vault_locked",] = await self._is_locked()
        except DatabaseUnusable:
            return {_UP: 0}
        except Exception as error:  # noqa: BLE001 (the other numbers are needed most when something is wrong)
            log.error("metrics.not_read", reason=f"{type(error).__name__}: {error}")  # noqa: TRY400
            return {_UP: 0}
        return numbers | {_UP: 1}

    async def _is_locked(self) -> bool:
        try:
            await self._vault.check()
        except VaultLocked:
            return True
        return False
