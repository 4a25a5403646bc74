"""How many requests this process has answered, so that work in the background can see whether callers are there."""


class Traffic:
    """`answered` counts the requests of all origins of a process."""

    __slots__ = ("answered",)

    def __init__(self) -> None:
        self.answered = 0


TRAFFIC = Traffic()  # Of this process. Only the thread of the event loop counts.
