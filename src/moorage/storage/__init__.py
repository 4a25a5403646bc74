"""The control database: its engine, its transactions, its migrations; and keys in files. It knows no room's rules."""

from typing import TYPE_CHECKING, Any

from moorage.storage.secret_files import SecretMissing, flush_folder, kept_secret

if TYPE_CHECKING:
    from moorage.storage.database import Database, Transaction

__all__ = ["Database", "SecretMissing", "Transaction", "flush_folder", "kept_secret"]


def __getattr__(name: str) -> Any:
    # SQLAlchemy takes longer to load than most commands take, and those on the embedded CRM do without.
    if name not in {"Database", "Transaction"}:
        raise AttributeError(name)
    from moorage.storage import database  # noqa: PLC0415

    return getattr(database, name)
