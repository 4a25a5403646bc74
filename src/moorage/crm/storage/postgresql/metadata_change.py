"""Changes of the metadata in one organisation's schema, inside a transaction that the writer began."""

from collections.abc import Collection, Iterable
from typing import TypeAlias

from psycopg.errors import UniqueViolation

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.storage.columns import stored
from moorage.crm.storage.compile import compile_aggregate
from moorage.crm.storage.contract.aggregates import Aggregate
from moorage.crm.storage.contract.metadata import ValuesRepeat
from moorage.crm.storage.postgresql import aggregates, changed, fulltext, schema
from moorage.crm.storage.postgresql.documents import READ_DOCUMENTS, copied, documents_of, put_document
from moorage.crm.storage.postgresql.expressions import compared
from moorage.crm.storage.postgresql.rewriting import Change, index_again, rewrite
from moorage.crm.storage.postgresql.transaction import PostgresqlTransaction

_Filling: TypeAlias = tuple[tuple[Module, Field], tuple[Module, Field], Aggregate]


class MetadataChange:
    """A `MetadataTransaction`. `finish` lets columns, indexes and full text follow the documents.

    A module that has no tables yet gets them by its first write, as the documents are then.
    """

    def __init__(self, transaction: PostgresqlTransaction) -> None:
        self._transaction = transaction
        self._statements = transaction.statements
        self._schema = transaction.schema
        self._before = transaction.catalog
        self._documents: dict[int, Document] | None = None
        self._fillings: list[_Filling] = []
        self._rewrites: list[tuple[int, Collection[str], Change]] = []
        self._is_changed = False
        self.now = transaction.now

    @property
    def metadata(self) -> Metadata:
        return Metadata(self._all_documents().values())

    def _all_documents(self) -> dict[int, Document]:
        if self._documents is None:
            rows = self._statements.rows(READ_DOCUMENTS.format(self._schema))
            self._documents = {document.id: document for document in documents_of(rows)}
        return self._documents

    def new_ids(self, count: int) -> range:
        return self._transaction.new_ids(count)

    def put(self, document: Document) -> None:
        self._all_documents()[document.id] = copied(document)
        put_document(self._statements, self._schema, document)
        self._is_changed = True

    def remove(self, documents: Iterable[int]) -> None:
        ids = list(documents)
        for document in ids:
            self._all_documents().pop(document, None)
        self._statements.run(f"DELETE FROM {self._schema}.metadata WHERE id = ANY(%s)", (ids,))
        self._is_changed = True

    def repeats(self, module: int, field: int) -> bool:
        owner = self._before.by_number[module % ID_SPACE]
        if not self._transaction.inventory.has(owner):
            return False
        column, value = next(
            (known.column, compared(known, known.column))
            for known in owner.fields.values()
            if known.id == field
        )
        sql = (
            f"SELECT 1 FROM {self._schema}.{owner.table} WHERE {column} IS NOT NULL"
            f" GROUP BY {value} HAVING count(*) > 1 LIMIT 1"
        )
        return bool(self._statements.rows(sql))

    def fill(
        self, parents: tuple[Module, Field], children: tuple[Module, Field], aggregate: Aggregate
    ) -> None:
        self._fillings.append((parents, children, aggregate))

    def rewrite(self, module: int, columns: Collection[str], change: Change) -> None:
        self._rewrites.append((module, columns, change))
        self._is_changed = True

    def finish(self) -> None:
        """Raises ValuesRepeat."""
        if not self._is_changed:
            return
        catalog = Catalog(self.metadata)
        self._transaction.catalog = catalog
        changed_modules = [
            (before, module)
            for module in catalog.modules.values()
            if (before := self._before.by_number.get(module.number)) is not None
            and self._transaction.inventory.has(module)
        ]
        # All at once: who has one table must not wait for another.
        self._statements.lock(
            [f"{self._schema}.{after.table}" for before, after in changed_modules if _differ(before, after)]
        )
        for before, module in changed_modules:
            self._change_fields(before, module)
        for number, columns, change in self._rewrites:
            module = catalog.by_number[number % ID_SPACE]
            if self._transaction.inventory.has(module):
                rewrite(self._transaction, module, columns, change)
        for filling in self._fillings:
            self._fill(*filling)
        self._transaction.raise_version()
        self._statements.run(changed.stop_statement(self._schema))

    def _fill(
        self, parents: tuple[Module, Field], children: tuple[Module, Field], aggregate: Aggregate
    ) -> None:
        transaction, owner = self._transaction, children[0]
        if transaction.inventory.has(parents[0]):
            dialect, has_children = transaction.dialect, transaction.inventory.has(owner)
            value = (
                compile_aggregate(aggregate, owner, transaction.catalog, dialect) if has_children else None
            )
            self._statements.run(*aggregates.filling(parents, children, value, dialect))

    def _change_fields(self, before: Module, after: Module) -> None:
        run_all = self._statements.run_all
        known = {field.id: field for field in before.fields.values()}
        for field_id in known.keys() - {field.id for field in after.fields.values()}:
            run_all(schema.drop_indexes(self._schema, after, known[field_id]))
        for field in stored(after):
            if field.id not in known:
                run_all(schema.field_statements(self._schema, after, field))
                self._index_field(after, field)
            elif field.unique != known[field.id].unique:
                run_all(schema.drop_indexes(self._schema, after, field))
                self._index_field(after, field)
        if after.full_text and not before.full_text and after.text_table not in self._relations:
            run_all(fulltext.creation(self._schema, after))
        words_gone = {field.column for field in before.full_text} - {
            field.column for field in after.full_text
        }
        if words_gone:
            index_again(self._transaction, after, words_gone)

    @property
    def _relations(self) -> frozenset[str]:
        return self._transaction.inventory.relations

    def _index_field(self, module: Module, field: Field) -> None:
        try:
            self._statements.run_all(schema.field_indexes(self._schema, module, field))
        except UniqueViolation:
            raise ValuesRepeat(field) from None


def _differ(before: Module, after: Module) -> bool:
    """Whether columns or indexes of a module's table may have to follow its documents."""
    known, now = ({field.id: field.unique for field in module.fields.values()} for module in (before, after))
    return known != now
