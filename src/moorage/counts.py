"""How often something rare has happened in this process, such as a renewed token, for whoever reads the metrics."""

from collections import Counter


class Counts:
    """`numbers` has them by the name of their metric, followed by the values of its labels."""

    __slots__ = ("numbers",)

    def __init__(self) -> None:
        self.numbers = Counter[tuple[str, ...]]()

    def add(self, name: str, *labels: str) -> None:
        self.numbers[(name, *labels)] += 1


COUNTS = Counts()  # Of this process. Only the thread of the event loop counts.
