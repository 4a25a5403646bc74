"""Bring the control database's schema up to date."""

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from moorage.settings import Settings
from moorage.storage.database import prepare, sqlite_path
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.trouble import unusable

HEAD = "0007"
MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(url: str, beside: Sequence[Path] = ()) -> None:
    """Apply the migrations that are missing, all in one transaction. Makes the file, readable by its owner alone.

    `beside` are files that are made after this one. Raises DatabaseUnusable for a file that is no database of ours, or
    a newer version's, and for one that is missing or empty though there is something beside it.
    """
    path = sqlite_path(url)
    _require_not_lost(path, [file for file in beside if file.exists() and file.stat().st_size])
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        path.touch(mode=0o600)
    found = revision(path)
    if found is not None and found > HEAD:
        raise DatabaseUnusable(
            f"{path} was written by a newer Moorage (schema {found}, this one knows {HEAD}).",
            help="Start the newer version, or choose another MOORAGE_HOME.",
        )
    if found != HEAD:
        _upgrade(path)


def made_after(settings: Settings) -> list[Path]:
    """What a first start makes once there is a control database."""
    return [settings.home / "vault.key", settings.crm_folder / "registry.db"]


def _require_not_lost(path: Path, beside: Sequence[Path]) -> None:
    """An emptied database must not look like a first start: all keys and connections would be gone without a word."""
    is_there = path.exists() and path.stat().st_size > 0
    if is_there or not beside:
        return
    names = " and ".join(str(file) for file in beside)
    raise DatabaseUnusable(
        f"{path} is {'empty' if path.exists() else 'missing'}, though there is {names} of an earlier start.",
        help="Put back a copy of it. To begin anew without the keys and connections that it held, move away what is"
        " named here.",
        kind="damaged",
    )


def revision(path: Path) -> str | None:
    """What a file was last migrated to, None for a new one. Raises DatabaseUnusable."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            table = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
            if connection.execute(table).fetchone() is None:
                return None
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise unusable(str(path), error, path) from error
    return row[0] if row else None


def _upgrade(path: Path) -> None:
    # Alembic takes longer to load than all the rest of a start, and is needed once for each version.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.exc import DatabaseError  # noqa: PLC0415

    engine = create_engine(f"sqlite:///{path}")
    prepare(engine)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DatabaseError as error:
        raise unusable(str(path), error, path) from error
    finally:
        engine.dispose()
