"""The organisations as schemas of PostgreSQL: `org_<first seven digits of the id>` each."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from zoneinfo import ZoneInfo

from psycopg import Connection

from moorage.clock import Clock
from moorage.crm.metadata import fixed_ids
from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.storage.carried import on_its_way
from moorage.crm.storage.contract.departures import Arriving, Departing
from moorage.crm.storage.contract.organisations import Fill, Organisation, Place
from moorage.crm.storage.contract.outbox import Listener
from moorage.crm.storage.contract.records import StoreClosed
from moorage.crm.storage.postgresql import departing, snapshot_files
from moorage.crm.storage.postgresql.documents import READ_DOCUMENTS, add_documents, documents_of, users_shown
from moorage.crm.storage.postgresql.inventory import (
    READ_COUNTERS,
    READ_RELATIONS,
    Inventory,
    OpenSchema,
    inventory_of,
)
from moorage.crm.storage.postgresql.replacing import remove_schema, replacing
from moorage.crm.storage.postgresql.schema import fixed_statements, schema_of
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.crm.storage.postgresql.statements import Statements
from moorage.crm.storage.postgresql.store import PostgresqlStore
from moorage.crm.storage.postgresql.transaction import PostgresqlTransaction

# All of one moment, in one message to the server.
_READ = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    f" {READ_COUNTERS}; {READ_RELATIONS}; {READ_DOCUMENTS}; COMMIT"
)
_FIRST = Inventory(version=1, relations=frozenset(), texts={})


class PostgresqlSchemas:
    """An `OrganisationStorage`. `server_of` gives the server with a name; None is the only one, or the first."""

    def __init__(self, server_of: Callable[[str | None], PostgresqlServer], clock: Clock) -> None:
        self._server_of = server_of
        self._clock = clock

    def make(self, place: Place, documents: Sequence[Document], fill: Fill | None) -> None:
        server, name = self._server_of(place.server), schema_of(place.identity)
        with server.lend(name) as connection, replacing(connection, name, ids_go_on=False) as draft:
            statements = Statements(connection)
            statements.run_all(fixed_statements(draft))
            add_documents(statements, draft, documents)
            counters = [("id", fixed_ids.FIRST_RECORD), ("version", _FIRST.version)]
            statements.write(f"{draft}.counters", ("name", "value"), ("text", "int8"), counters)
            if fill is not None:
                organisation = self._opened(server, draft, place, documents, _FIRST)
                self._fill(organisation, statements, draft, fill)

    def open(self, place: Place, listener: Listener | None = None) -> Organisation:
        server, name = self._server_of(place.server), schema_of(place.identity)
        try:
            with server.lend(name) as connection:
                documents, inventory = _read(connection, name)
        except (StoreClosed, LookupError) as error:
            if self.is_closed(place):
                raise on_its_way(place.slug) from error
            raise snapshot_files.missing(place) from error
        return self._opened(server, name, place, documents, inventory, listener)

    def snapshot(self, place: Place, target: Path) -> None:
        snapshot_files.snapshot(self._server_of(place.server), place, target)

    def restore(self, place: Place, source: Path) -> None:
        snapshot_files.restore(self._server_of(place.server), place, source)

    def remove(self, place: Place) -> None:
        name = schema_of(place.identity)
        with self._server_of(place.server).lend(name) as connection:
            remove_schema(connection, name)

    def depart(self, place: Place) -> AbstractContextManager[Departing]:
        return departing.departing(self._server_of(place.server), place)

    def stay(self, place: Place) -> None:
        departing.stay(self._server_of(place.server), place)

    def arrive(self, place: Place) -> AbstractContextManager[Arriving]:
        return departing.arriving(self._server_of(place.server), place)

    def is_closed(self, place: Place) -> bool:
        return departing.is_closed(self._server_of(place.server), place)

    def reopen(self, place: Place) -> None:
        departing.reopen(self._server_of(place.server), place)

    def close(self) -> None:
        """The servers belong to who gave them."""

    def _opened(
        self,
        server: PostgresqlServer,
        name: str,
        place: Place,
        documents: Sequence[Document],
        inventory: Inventory,
        listener: Listener | None = None,
    ) -> Organisation:
        metadata = Metadata(documents)
        catalog, zone = Catalog(metadata), ZoneInfo(metadata.org["time_zone"])
        prefix, users = place.identity // ID_SPACE, users_shown(documents)
        opened = OpenSchema(name, inventory)
        store = PostgresqlStore(server, opened, catalog, prefix, zone, self._clock, users, listener)
        return Organisation(place.identity, metadata, catalog, zone, store)

    @staticmethod
    def _fill(organisation: Organisation, statements: Statements, name: str, fill: Fill) -> None:
        changes = PostgresqlTransaction(
            statements,
            name,
            organisation.catalog,
            organisation.prefix,
            0,
            _FIRST,
            fixed_ids.FIRST_RECORD,
        )

        def begin(now: int) -> PostgresqlTransaction:
            changes.now = now
            return changes

        fill(organisation, begin)
        for statement in changes.finish():
            statements.run(statement)


def _read(connection: Connection, name: str) -> tuple[list[Document], Inventory]:
    """The documents of a schema, and what else it has. Raises LookupError if it is being removed."""
    results = connection.execute(_READ.format(name))
    rows = []
    while results.nextset():
        if results.description:
            rows.append(results.fetchall())
    counters, relations, documents = rows
    return documents_of(documents), inventory_of(counters, relations)
