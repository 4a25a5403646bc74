"""Changes of the metadata in one organisation's SQLite file, inside a transaction that the writer began."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, TypeAlias

import apsw
import msgspec

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.storage.columns import stored
from moorage.crm.storage.compile import compile_aggregate
from moorage.crm.storage.contract.aggregates import Aggregate
from moorage.crm.storage.contract.metadata import ValuesRepeat
from moorage.crm.storage.sqlite import aggregates, fulltext, schema
from moorage.crm.storage.sqlite.rewriting import Change, rewrite
from moorage.crm.storage.sqlite.text_layout import COLUMNS, CREATE_PLACES, Place, later_stem
from moorage.crm.storage.sqlite.transaction import SqliteTransaction

_Filling: TypeAlias = tuple[tuple[Module, Field], tuple[Module, Field], Aggregate]

_encode = msgspec.json.Encoder().encode


def read_metadata(connection: apsw.Connection) -> Metadata:
    sql = "SELECT id, kind, module, name, body FROM metadata ORDER BY position"
    rows: Any = connection.execute(sql).fetchall()
    decode = msgspec.json.Decoder().decode
    return Metadata([Document(i, kind, module, name, decode(body)) for i, kind, module, name, body in rows])


def write_document(connection: apsw.Connection, document: Document) -> None:
    """Add a document, or replace the document with its id, which keeps its place in the order."""
    connection.execute(
        "INSERT INTO metadata VALUES (NULL, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
        " SET kind = excluded.kind, module = excluded.module, name = excluded.name, body = excluded.body",
        (document.id, document.kind, document.module, document.name, document.json),
    )
    if document.kind == "user":
        body = document.body
        shown = {"name": body["full_name"], "id": str(document.id), "email": body["email"]}
        connection.execute(
            "INSERT OR REPLACE INTO users VALUES (?, ?, ?, ?)",
            (document.id, body["full_name"], body["email"], _encode(shown).decode()),
        )


def version(connection: apsw.Connection) -> int:
    """The schema counter: it rises with each change of the metadata, and never falls."""
    return int(connection.execute("PRAGMA user_version").get)


def set_version(connection: apsw.Connection, number: int) -> None:
    connection.execute(f"PRAGMA user_version = {number}")


class MetadataChange:
    """A `MetadataTransaction`. `finish` lets columns, indexes and full text follow the documents."""

    def __init__(self, transaction: SqliteTransaction) -> None:
        self._connection = connection = transaction.connection
        self._transaction = transaction
        self._before = Catalog(read_metadata(connection))
        self._metadata: Metadata | None = None
        self._fillings: list[_Filling] = []
        self._rewrites: list[tuple[int, Collection[str], Change]] = []
        self.is_changed = False
        self.now = transaction.now

    @property
    def metadata(self) -> Metadata:
        if self._metadata is None:
            self._metadata = read_metadata(self._connection)
        return self._metadata

    def new_ids(self, count: int) -> range:
        return self._transaction.new_ids(count)

    def put(self, document: Document) -> None:
        write_document(self._connection, document)
        self._note()

    def remove(self, documents: Iterable[int]) -> None:
        self._connection.executemany(
            "DELETE FROM metadata WHERE id = ?", [(document,) for document in documents]
        )
        self._note()

    def repeats(self, module: int, field: int) -> bool:
        owner = self._before.by_number[module % ID_SPACE]
        column = next(known.column for known in owner.fields.values() if known.id == field)
        sql = (
            f"SELECT 1 FROM {owner.table} WHERE {column} IS NOT NULL"
            f" GROUP BY {column} COLLATE NOCASE HAVING count(*) > 1 LIMIT 1"
        )
        return self._connection.execute(sql).get is not None

    def fill(
        self, parents: tuple[Module, Field], children: tuple[Module, Field], aggregate: Aggregate
    ) -> None:
        self._fillings.append((parents, children, aggregate))

    def rewrite(self, module: int, columns: Collection[str], change: Change) -> None:
        self._rewrites.append((module, columns, change))
        self.is_changed = True

    def _note(self) -> None:
        self.is_changed, self._metadata = True, None

    def finish(self) -> None:
        """Raises ValuesRepeat."""
        if not self.is_changed:
            return
        catalog = Catalog(self.metadata)
        for module in catalog.modules.values():
            before = self._before.by_number.get(module.number)
            if before is None:
                for statement in schema.module_statements(module):
                    self._connection.execute(statement)
            else:
                self._change_fields(before, module)
        for number, columns, change in self._rewrites:
            rewrite(
                self._transaction.with_catalog(catalog), catalog.by_number[number % ID_SPACE], columns, change
            )
        for parents, children, aggregate in self._fillings:
            value = compile_aggregate(aggregate, children[0], catalog, self._transaction.dialect)
            aggregates.fill(self._connection, parents, children, value)
        set_version(self._connection, version(self._connection) + 1)

    def _change_fields(self, before: Module, after: Module) -> None:
        known = {field.id: field for field in before.fields.values()}
        removed = known.keys() - {field.id for field in after.fields.values()}
        for field_id in removed:
            self._run(schema.drop_indexes(after, known[field_id]))
        for field in stored(after):
            if field.id not in known:
                self._run(schema.field_statements(after, field))
                self._run_indexes(after, field)
            elif field.unique != known[field.id].unique:
                self._run(schema.drop_indexes(after, field))
                self._run_indexes(after, field)
        self._add_texts(after, [field for field in after.full_text if field.id not in known])

    def _run(self, statements: Iterator[str]) -> None:
        for statement in statements:
            self._connection.execute(statement)

    def _run_indexes(self, module: Module, field: Field) -> None:
        try:
            self._run(schema.field_indexes(module, field))
        except apsw.ConstraintError:
            raise ValuesRepeat(field) from None

    def _add_texts(self, module: Module, fields: list[Field]) -> None:
        """Give new fields columns in the last family of the module's full text, or in a new one."""
        if not fields:
            return
        self._connection.execute(CREATE_PLACES)
        for field in fields:
            sql = "SELECT max(family * ? + position) FROM text_places WHERE module = ?"
            last = self._connection.execute(sql, (COLUMNS, module.number)).get
            family, position = divmod(COLUMNS if last is None else last + 1, COLUMNS)
            place = Place(family, position)
            if place.position == 0:
                fulltext.create_later(self._connection, module, later_stem(module, place.family))
            self._connection.execute(
                "INSERT INTO text_places VALUES (?, ?, ?, ?)",
                (field.number, module.number, place.family, place.position),
            )
