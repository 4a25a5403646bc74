"""The PostgreSQL servers of organisations, by name. None is the server of the registry."""

from collections.abc import Callable, Mapping, Sequence

from moorage.crm.storage.contract.transfers import Load
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.logs import Log
from moorage.settings.databases import MAIN
from moorage.storage.errors import DatabaseUnusable

_IS_ORGANISATION = "n.nspname ~ '^org_[0-9]+$'"
# A table that may have long values has a table for them, and that one an index.
_RELATIONS = f"""
    SELECT count(*) + 2 * count(*) FILTER (WHERE c.reltoastrelid <> 0)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE {_IS_ORGANISATION}
"""
_LOAD = f"""
    SELECT current_setting('server_version'), (SELECT count(*) FROM pg_namespace AS n WHERE {_IS_ORGANISATION}),
        ({_RELATIONS}), pg_database_size(current_database()),
        (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
        current_setting('max_connections')::int
"""

log = Log(__name__)


class PostgresqlServers:
    """`open_server` makes the server of a URL, which connects once it is used."""

    def __init__(
        self,
        url: str,
        others: Mapping[str, str],
        open_server: Callable[[str], PostgresqlServer] = PostgresqlServer,
    ) -> None:
        self._servers: dict[str | None, PostgresqlServer] = {None: open_server(url)}
        self._servers |= {name: open_server(other) for name, other in others.items()}

    @property
    def names(self) -> Sequence[str | None]:
        return list(self._servers)

    def of(self, name: str | None) -> PostgresqlServer:
        """Raises DatabaseUnusable if no server has that name."""
        server = self._servers.get(name)
        if server is None:
            known = ", ".join(each or MAIN for each in self._servers)
            raise DatabaseUnusable(
                f"The organisation is on the server {name!r}, which MOORAGE_CRM_SERVERS does not name.",
                help=f"Name it there again, with its URL. Known: {known}.",
                kind="server_unknown",
            )
        return server

    def load(self, name: str | None) -> Load:
        """How much is on a server. Raises DatabaseUnusable."""
        with self.of(name).lend("load") as connection:
            [row] = connection.execute(_LOAD).fetchall()
        return Load(name, *row)

    def roomiest(self) -> str | None:
        """The server with the fewest relations of organisations, of those that answer. Raises DatabaseUnusable."""
        if len(self._servers) == 1:
            return None
        relations: dict[str | None, int] = {}
        trouble: DatabaseUnusable | None = None
        for name, server in self._servers.items():
            try:
                with server.lend("load") as connection:
                    [(relations[name],)] = connection.execute(_RELATIONS).fetchall()
            except DatabaseUnusable as error:
                log.warning("crm.server_left_out", server=name or MAIN, reason=error.message)
                trouble = error
        if trouble is not None and not relations:
            raise trouble
        return min(relations, key=lambda name: relations[name])

    def close(self) -> None:
        for server in self._servers.values():
            server.close()
