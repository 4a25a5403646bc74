"""The table of tags that older organisations have. Tags are companions now (decision 0048), so a new one has none."""

TABLE = "tags"
COLUMNS = ("id", "module", "name")


def creation(prefix: str, id_type: str) -> str:
    """For an organisation that brings such tags along. `prefix` is what the names of tables begin with."""
    columns = f"id {id_type} PRIMARY KEY, module {id_type} NOT NULL, name TEXT NOT NULL"
    return f"CREATE TABLE IF NOT EXISTS {prefix}{TABLE} ({columns})"


def taking(prefix: str) -> str:
    """The statement that removes all rows and gives them."""
    return f"DELETE FROM {prefix}{TABLE} RETURNING {', '.join(COLUMNS)}"
