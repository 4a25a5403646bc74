"""The control database: its engine, its transactions, its migrations; and keys in files. It knows no room's rules."""

from moorage.storage.database import Database, Transaction
from moorage.storage.kept import flush_folder, kept_secret

__all__ = ["Database", "Transaction", "flush_folder", "kept_secret"]
