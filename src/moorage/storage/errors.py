"""What can be wrong with the database itself."""

from moorage.errors import MoorageError


class DatabaseUnusable(MoorageError):
    code = "database_unusable"
