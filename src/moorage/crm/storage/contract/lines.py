"""Records as lines of CSV, for reads of very many of them.

A value is written as it is shown in JSON, with these differences: texts, dates and JSON stand in quotes, and a quote
inside of them is doubled; the items of a list and the names of tags are one text with `;` between them; of a lookup and
a user only the id is written; and no value is an empty text, or nothing where other values have no quotes.
"""

from msgspec import Struct

from moorage.crm.metadata.catalog import Field

QUOTED = frozenset({"text", "date", "list", "json", "tags"})


class Column(Struct, frozen=True):
    """A field of the records, or of the record to which the lookup `through` points, which is one into one module.

    With `labels`, a text by id, the text of the user or record that the field points to is written, and not its id.
    """

    field: Field
    through: Field | None = None
    labels: tuple[tuple[int, str], ...] | None = None

    @property
    def is_quoted(self) -> bool:
        return self.labels is not None or self.field.storage in QUOTED


class Lines(Struct, frozen=True):
    """So many lines, each with its end. `last` is the id of the last record; None if there is none."""

    data: bytes
    count: int
    last: int | None
