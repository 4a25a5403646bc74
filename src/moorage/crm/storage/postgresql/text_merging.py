"""New words are merged into the index of the full text beside the writes that brought them.

An index of words keeps what is new in a list, which every search reads too, and merges it once it is long. PostgreSQL
would let the writer do that which makes the list too long: it takes three times as long as the rest of its insert.
"""

from collections import Counter

from moorage.crm.storage.postgresql.beside_writes import run_beside
from moorage.crm.storage.postgresql.server import PostgresqlServer

MERGE = 1_000  # Records: about 3 MB of words, which a search reads in a few milliseconds.
MERGE_WORDS = "SELECT gin_clean_pending_list(%s::regclass)"


class TextMerging:
    """Counts what is written to one organisation's indexes of words."""

    def __init__(self, server: PostgresqlServer, schema: str) -> None:
        self._server = server
        self._schema = schema
        self._written: Counter[str] = Counter()

    def note(self, written: Counter[str]) -> None:
        """So many records were committed, by index."""
        self._written += written
        for index, count in self._written.items():
            if count >= MERGE:
                self._written[index] = 0
                run_beside(self._server, self._schema, MERGE_WORDS, (f"{self._schema}.{index}",))
