"""The outbox of an organisation: events that tell of its changes, until somebody has dealt with them.

An event is written in the transaction of the change that it tells of (`Transaction.emit`). Each kind of events waits in
a line of its own, so that one kind that nobody can deal with holds up no other. One holder at a time has the oldest
events of a kind, so that they are dealt with in their order. The fence tells the holders apart: whoever claims the
events next has another one, and then nothing that this holder says counts any more.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

LONGEST_LEASE = 3600  # Seconds.


class Listener(Protocol):
    """Whoever has to know that an organisation has events."""

    async def wake(self) -> None:
        """Awaited in the event loop of a caller who writes, before the commit of the first event, and of the first one
        after a rest (`Outbox.rest`). Nothing is written if it raises.
        """

    def told(self) -> None:
        """Called after each commit with events, in the thread that writes. Must not raise."""


class Event(Struct, frozen=True):
    """Ids come from the counter of `Transaction.new_ids`, so they rise in the order of commits.

    `payload` is any JSON value.
    """

    id: int
    kind: str
    payload: Any


class Claim(Struct, frozen=True):
    """The oldest events of a kind, oldest first. A claim without events holds nothing.

    `failures` counts the pauses since an event of this kind was dealt with.
    """

    kind: str
    fence: int
    failures: int
    events: Sequence[Event]


class Outbox(Protocol):
    """All calls are part of a `Transaction`, and take effect with it."""

    def due(self) -> Sequence[str]:
        """The kinds that have events which can be claimed now."""

    def claim(self, kind: str, most: int, lease: int) -> Claim | None:
        """Hold up to `most` of the oldest events of a kind, for `lease` seconds.

        A lease lasts for `LONGEST_LEASE` at most. None while another claim holds the events, and during a pause.
        """

    def settle(self, claim: Claim, done: int, pause: int = 0) -> bool:
        """Remove the first `done` events of a claim, and let the others be claimed again after `pause` seconds.

        A pause lasts for `LONGEST_LEASE` at most. False, and nothing changes, if somebody else has claimed the events
        meanwhile.
        """

    def rest(self, seconds: int) -> bool:
        """Whether there is no event, and none was acknowledged for so many seconds: then the outbox rests."""
