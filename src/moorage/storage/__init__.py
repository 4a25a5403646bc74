"""The control database: its engine, transactions and migrations. Also secrets in files. It knows no rules of rooms."""

from typing import TYPE_CHECKING, Any

from moorage.storage.secret_files import SecretMissing, flush_folder, kept_secret, known_secret

if TYPE_CHECKING:
    from moorage.storage.database import Database, Transaction

__all__ = ["Database", "SecretMissing", "Transaction", "flush_folder", "kept_secret", "known_secret"]


def __getattr__(name: str) -> Any:
    # SQLAlchemy takes longer to load than most commands run, and commands on the embedded CRM do not need it.
    if name not in {"Database", "Transaction"}:
        raise AttributeError(name)
    from moorage.storage import database  # noqa: PLC0415

    return getattr(database, name)
