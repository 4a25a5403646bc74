"""Snapshots of an organisation in PostgreSQL: the files that the storage on SQLite makes and reads, too."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import apsw
import psycopg

from moorage.crm.errors import OrganisationDamaged
from moorage.crm.storage.carried import no_snapshot
from moorage.crm.storage.contract.organisations import Place
from moorage.crm.storage.postgresql import schema_rows
from moorage.crm.storage.postgresql.replacing import replacing
from moorage.crm.storage.postgresql.schema import schema_of
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.crm.storage.postgresql.session import long_transaction
from moorage.crm.storage.sqlite import file_rows
from moorage.crm.storage.sqlite.whole_files import is_of, is_sound, new_file


def snapshot(server: PostgresqlServer, place: Place, target: Path) -> None:
    """Raises as `OrganisationStorage.snapshot`."""
    schema = schema_of(place.identity)
    with (
        server.lend(schema) as connection,
        long_transaction(connection, "REPEATABLE READ READ ONLY"),
    ):
        try:
            connection.execute(f"SELECT value FROM {schema}.counters WHERE name = 'version'").fetchone()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
            raise missing(place) from error
        with new_file(target) as partial:
            file_rows.write_file(partial, schema_rows.SchemaRows(connection, schema))


def restore(server: PostgresqlServer, place: Place, source: Path) -> None:
    """Raises as `OrganisationStorage.restore`."""
    if not is_of(source, place.identity) or not is_sound(source):
        raise no_snapshot(source, place.slug)
    schema = schema_of(place.identity)
    with (
        server.lend(schema) as connection,
        _told_as_damage(source, place.slug),
        file_rows.rows_of(source) as rows,
        replacing(connection, schema, ids_go_on=True) as draft,
    ):
        schema_rows.fill_schema(connection, draft, rows)


@contextlib.contextmanager
def _told_as_damage(source: Path, slug: str) -> Iterator[None]:
    """Values that PostgreSQL refuses can't have been written by Moorage."""
    try:
        yield
    except (
        apsw.Error,
        psycopg.DataError,
        psycopg.IntegrityError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        raise no_snapshot(source, slug) from error


def missing(place: Place) -> OrganisationDamaged:
    return OrganisationDamaged(
        f"The organisation {place.slug!r} is missing in the embedded CRM's database.",
        help=f"`moorage crm org restore {place.slug} FILE` restores a snapshot.",
    )
