"""How an organisation's metadata change: its documents, and all that follows from them, in one step."""

from collections.abc import Iterable
from typing import Protocol

from moorage.crm.metadata.catalog import Field
from moorage.crm.metadata.documents import Document, Metadata


class ValuesRepeat(Exception):
    """A field can't become unique: several records have the same value. Nothing was changed."""

    def __init__(self, field: Field) -> None:
        super().__init__(field.api_name)
        self.field = field


class MetadataTransaction(Protocol):
    """One all-or-nothing change. `now` is when it began, in whole seconds since the epoch.

    What documents say of columns, indexes and full text is done at its end: a new field gets a column, empty (no, where
    it is a box to tick); what a removed one holds is kept, and shown nowhere.
    """

    now: int

    @property
    def metadata(self) -> Metadata:
        """The documents as they are now, with what this transaction has changed."""

    def new_ids(self, count: int) -> range:
        """As `Transaction.new_ids`."""

    def put(self, document: Document) -> None:
        """Add a document, or replace the one of that id."""

    def remove(self, documents: Iterable[int]) -> None:
        """Remove the documents of these ids, if they are there."""

    def repeats(self, module: int, field: int) -> bool:
        """Whether several records of a module have the same value in a field, text regardless of (ASCII) case.

        Both are given by their ids, and the field has been there before.
        """
