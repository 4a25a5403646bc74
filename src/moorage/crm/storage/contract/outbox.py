"""The outbox of an organisation: events that tell of its changes, until somebody has dealt with them.

An event is written in the transaction of the change that it tells of (`Transaction.emit`). One holder at a time has the
oldest events, so that they are dealt with in their order. The fence tells the holders apart: whoever claims the events
next has another one, and then nothing that this holder says counts any more.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

LONGEST_LEASE = 3600  # Seconds.

# Awaited in the event loop of a caller who writes, before the commit of the first event, and of the first one after a
# rest (`Outbox.rest`). Nothing is written if it raises.
Wake: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class Event(Struct, frozen=True):
    """Ids come from the counter of `Transaction.new_ids`, so they rise in the order of commits.

    `payload` is any JSON value.
    """

    id: int
    kind: str
    payload: Any


class Claim(Struct, frozen=True):
    """The oldest events, oldest first. A claim without events holds nothing."""

    fence: int
    events: Sequence[Event]


class Outbox(Protocol):
    """All calls are part of a `Transaction`, and take effect with it."""

    def claim(self, most: int, lease: int) -> Claim | None:
        """Hold up to `most` of the oldest events, for `lease` seconds.

        A lease lasts for `LONGEST_LEASE` at most. None while another claim holds the events.
        """

    def acknowledge(self, claim: Claim) -> bool:
        """Remove the events of a claim. False, and nothing is removed, if somebody else has claimed them meanwhile."""

    def release(self, claim: Claim) -> bool:
        """Let the events be claimed again at once. False in the case of `acknowledge`."""

    def rest(self, seconds: int) -> bool:
        """Whether there is no event, and none was acknowledged for so many seconds: then the outbox rests."""
