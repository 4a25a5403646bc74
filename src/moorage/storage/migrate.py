"""Brings the schema of a database up to date."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from moorage.logs import Log
from moorage.settings import Settings
from moorage.settings.databases import is_postgresql
from moorage.storage.backend import CONTROL_SCHEMA, Backend, backend_of
from moorage.storage.copies import keep_copy
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.trouble import unusable

MIGRATIONS = Path(__file__).parent / "migrations"
_NO_COPY = "No copy is kept of a database in PostgreSQL: pg_dump makes one, or moorage backup."
HEAD = "0022"

log = Log(__name__)


class History(msgspec.Struct, frozen=True):
    """The migrations of one schema: their folder, and the number of the newest.

    A database has the number of its last migration in `table`. `schema` has all the tables, if the database is of a
    kind that has schemas.
    """

    folder: Path
    head: str
    table: str = "alembic_version"
    schema: str = CONTROL_SCHEMA

    def backend(self, url: str) -> Backend:
        return backend_of(url, self.schema)


CONTROL = History(MIGRATIONS / "versions", HEAD)


def migrate(url: str, beside: Sequence[Path] = (), history: History = CONTROL) -> None:
    """Apply the missing migrations, all in one transaction. Creates the database if there is none.

    A copy of an older SQLite file is kept before (`copies.py`).

    `beside` are files that are always created later than the database. Raises DatabaseUnusable if the file is not a
    database of Moorage, or of a newer version, or if it is missing or empty although one of `beside` exists.
    """
    backend = history.backend(url)
    backend.make(beside)
    schema = require_known(url, history)
    if schema == history.head:
        return
    if schema is not None and backend.path is not None:
        keep_copy(backend.path, schema, history.head)
    elif schema is not None:
        log.warning(
            "database.no_copy", database=backend.name, schema=schema, to=history.head, advice=_NO_COPY
        )
    _upgrade(url, history)


def require_known(url: str, history: History = CONTROL) -> str | None:
    """As `revision`. Raises DatabaseUnusable also if a newer version has written the database."""
    schema = revision(url, history)
    if schema is not None and schema > history.head:
        raise DatabaseUnusable(
            f"{history.backend(url).name} was written by a newer Moorage: its schema is {schema}, and this version"
            f" supports {history.head}.",
            help="Start the newer version, or choose another MOORAGE_HOME. `moorage help upgrade` says how to go back.",
        )
    return schema


def made_after(settings: Settings) -> list[Path]:
    """The files that a first start creates after the control database."""
    files = [settings.home / "vault.key"]
    return (
        files if is_postgresql(settings.crm_database_url) else [*files, settings.crm_folder / "registry.db"]
    )


def is_empty(url: str, table: str, history: History = CONTROL) -> bool:
    """Whether a table has no rows. Raises DatabaseUnusable."""
    backend = history.backend(url)
    with opened(backend, backend.reading()) as connection:
        return (
            connection.execute(sa.select(sa.literal(1)).select_from(sa.table(table)).limit(1)).first() is None
        )


def revision(url: str, history: History = CONTROL) -> str | None:
    """The number of the last migration of a database; None for a new database. Raises DatabaseUnusable."""
    table, backend = sa.table(history.table, sa.column("version_num")), history.backend(url)
    with opened(backend, backend.reading()) as connection:
        if not sa.inspect(connection).has_table(history.table):
            return None
        return connection.execute(sa.select(table)).scalar()


def _upgrade(url: str, history: History) -> None:
    # Alembic takes longer to load than the rest of a start, and is needed only once for each version.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", _option(MIGRATIONS))
    config.set_main_option("version_locations", _option(history.folder))
    config.set_main_option("path_separator", "newline")
    config.attributes["table"] = history.table
    backend = history.backend(url)
    with opened(backend, backend.writing()) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        backend.sort_by_code_points(connection)


def _option(path: Path) -> str:
    return str(path).replace("%", "%%")  # A single % has a meaning in Alembic's options.


@contextmanager
def opened(backend: Backend, engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction on a connection that is closed at the end, so that a process can fork. Raises DatabaseUnusable."""
    try:
        with engine.begin() as connection:
            yield connection
    except DatabaseError as error:
        raise unusable(backend.name, error, backend.path) from error
    finally:
        engine.dispose()
