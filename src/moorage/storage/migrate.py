"""Bring a database's schema up to date."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from moorage.settings import Settings
from moorage.storage.backend import backend_of
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.trouble import unusable

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0007"


@dataclass(frozen=True, slots=True)
class History:
    """The migrations of one schema: their folder, and the newest of them.

    `table` is where a database has the number of the last one that was applied.
    """

    folder: Path
    head: str
    table: str = "alembic_version"


CONTROL = History(MIGRATIONS / "versions", HEAD)


def migrate(url: str, beside: Sequence[Path] = (), history: History = CONTROL) -> None:
    """Apply the migrations that are missing, all in one transaction. Makes the database where there is none.

    `beside` are files that are made after the database. Raises DatabaseUnusable for one that is no database of ours, or
    a newer version's, and for one that is missing or empty though there is something beside it.
    """
    backend_of(url).make(beside)
    found = revision(url, history)
    if found is not None and found > history.head:
        raise DatabaseUnusable(
            f"{_name(url)} was written by a newer Moorage (schema {found}, this one knows {history.head}).",
            help="Start the newer version, or choose another MOORAGE_HOME.",
        )
    if found != history.head:
        _upgrade(url, history)


def made_after(settings: Settings) -> list[Path]:
    """What a first start makes once there is a control database."""
    return [settings.home / "vault.key", settings.crm_folder / "registry.db"]


def revision(url: str, history: History = CONTROL) -> str | None:
    """What a database was last migrated to, None for a new one. Raises DatabaseUnusable."""
    table = sa.table(history.table, sa.column("version_num"))
    with _opened(url, backend_of(url).reading()) as connection:
        if not sa.inspect(connection).has_table(history.table):
            return None
        return connection.execute(sa.select(table)).scalar()


def _upgrade(url: str, history: History) -> None:
    # Alembic takes longer to load than all the rest of a start, and is needed once for each version.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", _option(MIGRATIONS))
    config.set_main_option("version_locations", _option(history.folder))
    config.set_main_option("path_separator", "newline")
    config.attributes["table"] = history.table
    with _opened(url, backend_of(url).writing()) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _option(path: Path) -> str:
    return str(path).replace("%", "%%")  # Which means something in Alembic's options.


@contextmanager
def _opened(url: str, engine: sa.Engine) -> Iterator[sa.Connection]:
    try:
        with engine.begin() as connection:
            yield connection
    except DatabaseError as error:
        raise unusable(_name(url), error, backend_of(url).path) from error
    finally:
        engine.dispose()


def _name(url: str) -> str:
    """What messages call the database: the URL of one that is no file may hold a password."""
    return str(backend_of(url).path or "The database")
