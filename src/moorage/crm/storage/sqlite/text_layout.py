"""In which table and column of the full text the words of a field are.

A table of FTS5 can't gain a column. So fields that a module gains later are in other tables: families of 32 columns,
which are given to fields one after the other, and never twice. A new field has no values yet, so a new family begins
empty and is complete.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import apsw
import msgspec

from moorage.crm.metadata.catalog import Catalog, Field, Module

COLUMNS = 32

CREATE_PLACES = """
    CREATE TABLE IF NOT EXISTS text_places (
        field INTEGER PRIMARY KEY, module INTEGER NOT NULL, family INTEGER NOT NULL, position INTEGER NOT NULL
    )
"""


class Place(msgspec.Struct, frozen=True):
    """`family` counts from 1, `position` from 0."""

    family: int
    position: int

    @property
    def column(self) -> str:
        return f"s{self.position}"


class Family(msgspec.Struct, frozen=True):
    """Tables with the same columns, one for each range of ids.

    `columns` gives, for each column of the tables, the column of the module's table that it indexes. A later family has
    more columns than that: for fields that are still to come, and of fields that are gone.
    """

    stem: str
    columns: Mapping[str, str]
    is_first: bool


class PhraseQuery(msgspec.Struct, frozen=True):
    """`phrase` is in the query language of the full text, without the column."""

    field: Field
    phrase: str


class WordStartsQuery(msgspec.Struct, frozen=True):
    """Each of the quoted `phrases` begins words somewhere in a record."""

    phrases: tuple[str, ...]


TextQuery: TypeAlias = PhraseQuery | WordStartsQuery
# A record has to match one (stem of tables, MATCH) of each inner sequence.
Conditions: TypeAlias = Sequence[Sequence[tuple[str, str]]]


def later_stem(module: Module, family: int) -> str:
    return f"{module.text_table}_x{family}"


def read_places(connection: apsw.Connection) -> dict[int, Place]:
    """The places of fields that were added later, by the field's number."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'text_places'").get is None:
        return {}
    rows = connection.execute("SELECT field, family, position FROM text_places")
    return {field: Place(family, position) for field, family, position in rows}


class TextLayout:
    """`places` are the places of fields that were added later."""

    def __init__(self, catalog: Catalog, places: Mapping[int, Place]) -> None:
        self._places = places
        self._families = {module: self._families_of(module) for module in catalog.modules.values()}

    def families(self, module: Module) -> Sequence[Family]:
        return self._families[module]

    def conditions(self, module: Module, query: TextQuery) -> Conditions:
        if isinstance(query, PhraseQuery):
            family, column = self._place(query.field)
            return [[(_stem(module, family), f"{column} : {query.phrase}")]]
        families = self.families(module)
        if len(families) == 1 and families[0].is_first:
            return [[(families[0].stem, " ".join(f"{phrase} *" for phrase in query.phrases))]]
        return [
            [(family.stem, _beginning(phrase, family)) for family in families] for phrase in query.phrases
        ]

    def _place(self, field: Field) -> tuple[int, str]:
        """The family and the column of a field. Family 0 has the fields that the module began with."""
        place = self._places.get(field.number)
        return (0, field.column) if place is None else (place.family, place.column)

    def _families_of(self, module: Module) -> list[Family]:
        columns: dict[int, dict[str, str]] = {}
        for field in module.full_text:
            family, column = self._place(field)
            columns.setdefault(family, {})[column] = field.column
        return [Family(_stem(module, family), columns[family], family == 0) for family in sorted(columns)]


def _stem(module: Module, family: int) -> str:
    return later_stem(module, family) if family else module.text_table


def _beginning(phrase: str, family: Family) -> str:
    if family.is_first:
        return f"{phrase} *"
    return f"{{{' '.join(family.columns)}}} : {phrase} *"
