"""A dictionary of limited size, for keys that callers choose: without a limit they could fill the memory."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(dict[K, V]):
    """Holds at most `size` values: a new value replaces the oldest.

    It does not know when a value expires; its users keep that in the value. Reading is as fast as from any dictionary.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def __setitem__(self, key: K, value: V) -> None:
        if len(self) >= self._size and key not in self:
            del self[next(iter(self))]
        super().__setitem__(key, value)
