"""Changes of an organisation's metadata: the documents, and all that depends on them, in one step."""

from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.storage.contract.aggregates import Aggregate


class ValuesRepeat(Exception):
    """A field can't become unique: several records have the same value. Nothing was changed."""

    def __init__(self, field: Field) -> None:
        super().__init__(field.api_name)
        self.field = field


class MetadataTransaction(Protocol):
    """One all-or-nothing change. `now` is when it began, in whole seconds since the epoch.

    Columns, indexes and full text follow the documents at its end. A new field gets a column, which holds
    `Field.initial` in the records that are there. The values of a removed field are kept, and shown nowhere.
    """

    now: int

    @property
    def metadata(self) -> Metadata:
        """The documents as they are now, with what this transaction has changed."""

    def new_ids(self, count: int) -> range:
        """As `Transaction.new_ids`."""

    def put(self, document: Document) -> None:
        """Add a document, or replace the document with its id."""

    def remove(self, documents: Iterable[int]) -> None:
        """Remove the documents with these ids that exist."""

    def repeats(self, module: int, field: int) -> bool:
        """Whether several records of a module have the same value in a field, text regardless of (ASCII) case.

        `module` and `field` are ids; the field is not one that this transaction adds.
        """

    def fill(
        self,
        parents: tuple[Module, Field],
        children: tuple[Module, Field],
        aggregate: Aggregate,
    ) -> None:
        """At the end of the change, give a field the aggregate over the records that point to each of its records.

        `parents` are the module of the field and the field; `children` the module of the records that point to it, and
        the lookup by which they do. Where none points to a record, it gets `Field.initial`. All are of a catalog of the
        documents as they are by now.
        """

    def rewrite(
        self, module: int, columns: Collection[str], change: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> None:
        """At the end of the transaction, when new fields have their columns, change every record of a module.

        `module` is its id. `change` is given the columns of one record, and gives those that it changes with their
        values, or nothing. Records come one after the other, a part of them at a time: there may be very many.
        """
