"""A bulk job, and what does it.

A job is done in steps. Each is one transaction of the organisation, which changes records and stores how far the job
is. So a process may end at any moment: whoever goes on begins with the step that was not committed.
"""

from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct

from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction

State: TypeAlias = Literal["added", "running", "completed", "failed"]


class Callback(Struct, frozen=True):
    """Who is told that a job has ended; `told` says that they were, or could not be."""

    url: str
    method: str
    told: bool = False


class BulkJob(Struct, frozen=True):
    """A job as its organisation keeps it. Its states come in the order of `State`.

    `request` and `progress` are JSON values of the kind's own; there is no progress before the first step. `steps`
    counts what was stored of the job, and tells its workers apart: a step is only stored if nobody has stored one
    since the worker looked. `failures` is how often the attempts had failed when the last step was stored. Times are
    in seconds since the epoch.
    """

    id: int
    kind: str
    user: int
    created: int
    request: Any
    state: State = "added"
    progress: Any = None
    steps: int = 0
    failures: int = 0
    ended: int | None = None
    callback: Callback | None = None

    @property
    def has_ended(self) -> bool:
        return self.ended is not None

    @property
    def is_done(self) -> bool:
        """Whether nothing of it is left to do."""
        return self.has_ended and (self.callback is None or self.callback.told)


class Progress(Struct, frozen=True):
    """How far a job is after a step. `is_last` ends it. With a `pause`, nothing is to do for so many seconds."""

    value: Any
    is_last: bool = False
    pause: int = 0


class JobFailed(Exception):
    """A job can't be done, whoever tries. `progress` is what is known of it from then on."""

    def __init__(self, progress: Any) -> None:
        super().__init__("a bulk job failed")
        self.progress = progress


# The second half of a step, in the transaction that stores what it returns. What it raises undoes the step.
Step: TypeAlias = Callable[[Transaction], Progress]


class Worker(Protocol):
    """Does one job in this process, from where it is. It may remember what it read for the next step."""

    async def step(self, organisation: Organisation, job: BulkJob) -> Step:
        """The first half of the next step: what needs no transaction. Work of more than a millisecond is for a thread.

        Raises JobFailed. Any other error lets the job be tried again later.
        """

    async def close(self) -> None:
        """Release what it holds. The job may have ended, or not."""
