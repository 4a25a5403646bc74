"""The control database: its engine, its transactions, its migrations. It knows no room's rules."""

from moorage.storage.database import Database, Transaction

__all__ = ["Database", "Transaction"]
