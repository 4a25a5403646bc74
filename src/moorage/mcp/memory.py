"""What tools have learned of an account a short while ago, so that they need not ask for each call."""

import time
from collections.abc import Callable, Hashable
from typing import Any

from moorage.bounded import Bounded

LIFE = 300.0  # Seconds.
_SIZE = 200


class Memory:
    """Values by keys that name who learned them: what one API key may read, another one may not."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: Bounded[Hashable, tuple[float, Any]] = Bounded(_SIZE)

    def recall(self, key: Hashable) -> Any:
        """The value; None if there is none, or it is too old."""
        end, value = self._kept.get(key, (0.0, None))
        return value if self._now() < end else None

    def keep(self, key: Hashable, value: Any) -> None:
        self._kept[key] = (self._now() + LIFE, value)
