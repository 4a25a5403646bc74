"""Writes new tokens to the database, also if the database can't be written at first.

This process has the only copy of a new token. So it tries again until the token is written, or the process ends.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from moorage.logs import Log
from moorage.storage.errors import DatabaseUnusable
from moorage.vault.errors import VaultLocked

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # Seconds between tries. Each pause is twice as long as the last.
# A caller waits this long for a commit. After that it gets the error, and the tries go on.
WAIT_SECONDS = 20.0
LAST_SECONDS = 15.0  # The time limit for the last tries when the process ends.
TROUBLE = (DatabaseUnusable, VaultLocked)  # These errors pass, or the operator repairs their cause.

log = Log(__name__)


class Unwritten:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ending = asyncio.Event()

    def keep(self, connection_id: str, commit: Callable[[], Awaitable[T]]) -> "asyncio.Task[T]":
        """Repeat a commit that has failed until it succeeds. The commit must be safe to repeat."""
        task = asyncio.create_task(self._until_written(connection_id, commit))
        self._tasks.add(task)
        task.add_done_callback(self._settle)
        return task

    async def commit(self, connection_id: str, commit: Callable[[], Awaitable[T]]) -> T:
        """Commit, and repeat it if it fails. Raises the error if the caller has waited too long; the tries go on."""
        try:
            return await commit()
        except TROUBLE as error:
            trouble = error
        task = self.keep(connection_id, commit)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await asyncio.shield(task)
        except TimeoutError:
            raise trouble from None

    async def close(self) -> None:
        """Try once more, and log the tokens that are lost."""
        self._ending.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=LAST_SECONDS)
            for task in late:
                task.cancel()
                log.critical("oauth.tokens_lost", reason="the database did not answer in time")

    async def _until_written(self, connection_id: str, commit: Callable[[], Awaitable[T]]) -> T:
        log.error("oauth.tokens_unwritten", connection=connection_id, note="kept in memory, and tried again")
        pause = FIRST_PAUSE
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._ending.wait()
            pause = min(2 * pause, LONGEST_PAUSE)
            is_last = self._ending.is_set()
            try:
                done = await commit()
            except TROUBLE as trouble:
                if is_last:
                    log.critical("oauth.tokens_lost", connection=connection_id, reason=trouble.message)
                    raise
            else:
                log.warning("oauth.tokens_written", connection=connection_id)
                return done

    def _settle(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, TROUBLE):
            log.warning("oauth.tokens_dropped", reason=str(error))
