"""What a store knows of its organisation's schema, besides the catalog."""

from collections.abc import Iterable

import msgspec

from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.postgresql.fulltext import AllTextTables, TextTables, read_text_tables, tables_of

# To be run in one snapshot with the rest of what is read when an organisation is opened.
READ_COUNTERS = "SELECT name, value FROM {0}.counters WHERE name = 'version' OR name LIKE 'text %'"
READ_RELATIONS = (
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{0}'"
)


class Inventory(msgspec.Struct, frozen=True):
    """`version` is that of the metadata; it rises with every change of the metadata and of this.

    `relations` are the names of tables and indexes. `texts` are the tables of the full text.
    """

    version: int
    relations: frozenset[str]
    texts: AllTextTables

    def has(self, module: Module) -> bool:
        """Whether the module has its tables: it has no records before."""
        return module.table in self.relations

    def texts_of(self, module: Module) -> TextTables:
        return tables_of(module, self.texts)


class OpenSchema(msgspec.Struct):
    """The schema of an organisation as a store has it open. A committed write of the store replaces the inventory.

    Once it `is_outdated`, the metadata have changed: the organisation has to be opened anew.
    """

    name: str
    inventory: Inventory
    is_outdated: bool = False


def inventory_of(counters: Iterable[tuple[str, int]], relations: Iterable[tuple[str]]) -> Inventory:
    """From the rows of both statements. Raises LookupError if the schema is about to be removed."""
    by_name = dict(counters)
    version = by_name.pop("version")
    return Inventory(version, frozenset(name for (name,) in relations), read_text_tables(by_name.items()))
