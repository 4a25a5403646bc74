"""What the writers of all engines share: the job of a caller, and the priority of the threads that write."""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from moorage.crm.storage.contract.outbox import Listener
from moorage.storage.errors import DatabaseUnusable

GROUP_LIMIT = 64  # Jobs in one commit: enough to share a flush to disk, few enough for quick answers.
MOST_WAIT = 30.0  # Seconds that a writer waits for an event loop.
NICENESS = 10  # Added to the event loop's: on a core that both need, the writer gets a tenth of its share.


def step_behind_readers() -> None:
    """Keep reads fast while this thread writes much. Only Linux gives each thread a priority of its own."""
    if sys.platform == "linux":
        own = os.getpriority(os.PRIO_PROCESS, 0)
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(own + NICENESS, 19))


class Job:
    """What one caller wants to have done, and the future that tells them how it went."""

    def __init__(
        self,
        run: Callable[[Any], Any],
        loop: asyncio.AbstractEventLoop,
        future: "asyncio.Future[Any]",
        *,
        lasting: bool = True,
    ) -> None:
        self.lasting = lasting
        self._run = run
        self._loop = loop
        self._future: asyncio.Future[Any] | None = future
        self._result: Any = None
        self.error: BaseException | None = None

    def run(self, transaction: object) -> None:
        """Do the job; what it raises goes through."""
        self._result = self._run(transaction)

    def wait_for(self, call: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Wait in this thread until the caller's event loop has awaited the call. Raises DatabaseUnusable."""
        try:
            asyncio.run_coroutine_threadsafe(call(), self._loop).result(MOST_WAIT)
        except (TimeoutError, RuntimeError) as error:  # The loop is busy, or has ended.
            raise DatabaseUnusable(
                "The embedded CRM could not make it known that there is an event.",
                help="Nothing was changed. Repeat the call.",
                kind="busy",
            ) from error

    def settle(self) -> None:
        """Tell the caller, in the caller's own thread."""
        try:
            self._loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:
            return  # The loop is closed, so nobody waits any more.

    def _deliver(self) -> None:
        # The traceback of an error leads to this job: if the job led back to the error, both would stay.
        future, error = self._future, self.error
        self._future = self.error = None
        if future is None or future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(self._result)


class Waking:
    """Calls the listener of `OrganisationStorage.open` for one writer.

    A writer also wakes it for its own first event, in case an earlier process was killed before it had made an outbox
    known that a snapshot brought back.
    """

    def __init__(self, listener: Listener | None) -> None:
        self._listener = listener
        self._has_woken = False

    def before_commit(self, job: Job, *, wakes: bool | None) -> None:
        """`job` is one of those that are to be committed; `wakes` is that of their transaction."""
        if self._listener is not None and (wakes or (wakes is not None and not self._has_woken)):
            job.wait_for(self._listener.wake)
            self._has_woken = True

    def after_commit(self, *, wakes: bool | None) -> None:
        if self._listener is not None and wakes is not None:
            self._listener.told()
