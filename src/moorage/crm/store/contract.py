"""What a store of one organisation's records promises. SQLite implements it; PostgreSQL can be a second."""

from typing import Protocol


class RecordStore(Protocol):
    def close(self) -> None:
        """Finish the writes at hand and release everything."""
