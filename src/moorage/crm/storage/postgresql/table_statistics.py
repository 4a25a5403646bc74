"""PostgreSQL looks at a table again once many of its rows are new, and plans by what it sees.

By itself, it looks every minute at most. Before that, a list of what a bulk job has just added is planned as if there
were nothing: a hundred thousand members of a campaign took 0.3 seconds.
"""

from collections import Counter

from moorage.crm.storage.postgresql.beside_writes import run_beside
from moorage.crm.storage.postgresql.server import PostgresqlServer

MANY = 5_000  # Rows that a process adds to a table before it is looked at, for the first time.
MORE = 4  # The next time, it has added so many times as many.


def look_at(schema: str, table: str) -> str:
    return f"ANALYZE {schema}.{table}"


class TableStatistics:
    """Counts the rows that are added to one organisation's tables."""

    def __init__(self, server: PostgresqlServer, schema: str) -> None:
        self._server = server
        self._schema = schema
        self._added: Counter[str] = Counter()
        self._next: dict[str, int] = {}

    def note(self, added: Counter[str]) -> None:
        """So many rows were committed, by table."""
        for table, count in added.items():
            self._added[table] += count
            if self._added[table] >= self._next.get(table, MANY):
                self._next[table] = self._added[table] * MORE
                run_beside(self._server, self._schema, look_at(self._schema, table))
