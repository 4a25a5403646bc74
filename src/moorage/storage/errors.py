"""What can be wrong with the database itself."""

from moorage.errors import MoorageError


class DatabaseUnusable(MoorageError):
    """Its file is damaged, locked, full, no database at all, or a newer version's."""

    code = "database_unusable"
