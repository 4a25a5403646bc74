"""The metadata of an organisation as rows: read whole, and written one by one or all at once."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from moorage.crm.metadata.documents import Document
from moorage.crm.storage.postgresql.statements import Statements

READ_DOCUMENTS = "SELECT id, kind, module, name, body FROM {0}.metadata ORDER BY position"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_COLUMNS = {
    "position": "int8",
    "id": "int8",
    "kind": "text",
    "module": "int8",
    "name": "text",
    "body": "text",
}
_USER_COLUMNS = {"id": "int8", "full_name": "text", "email": "text", "shown": "text"}


def documents_of(rows: Iterable[tuple[Any, ...]]) -> list[Document]:
    """The documents, from the rows of `READ_DOCUMENTS`."""
    return [Document(i, kind, module, name, _decode(body)) for i, kind, module, name, body in rows]


def users_shown(documents: Iterable[Document]) -> dict[int, str]:
    """By id, the users as JSON, as records show them."""
    return {document.id: _shown(document) for document in documents if document.kind == "user"}


def copied(document: Document) -> Document:
    """The document as it will be read: what its owner does with it later changes nothing."""
    return Document(document.id, document.kind, document.module, document.name, document.json)


def add_documents(statements: Statements, schema: str, documents: Sequence[Document]) -> None:
    """Write the documents of a new organisation."""
    rows = [(place, *_row(document)) for place, document in enumerate(documents, 1)]
    rows.sort(
        key=itemgetter(1)
    )  # So the index of ids grows at its end, which is a fifth faster for all of it.
    statements.write(f"{schema}.metadata", list(_COLUMNS), list(_COLUMNS.values()), rows)
    users = [_user_row(document) for document in documents if document.kind == "user"]
    statements.write(f"{schema}.users", list(_USER_COLUMNS), list(_USER_COLUMNS.values()), users)


def put_document(statements: Statements, schema: str, document: Document) -> None:
    """Add a document, or replace the document with its id, which keeps its place in the order."""
    statements.run(
        f"INSERT INTO {schema}.metadata (position, id, kind, module, name, body)"
        f" SELECT coalesce(max(position), 0) + 1, %s, %s, %s, %s, %s FROM {schema}.metadata"
        " ON CONFLICT (id) DO UPDATE"
        " SET kind = excluded.kind, module = excluded.module, name = excluded.name, body = excluded.body",
        _row(document),
    )
    if document.kind == "user":
        statements.run(
            f"INSERT INTO {schema}.users (id, full_name, email, shown) VALUES (%s, %s, %s, %s) ON CONFLICT (id)"
            " DO UPDATE SET full_name = excluded.full_name, email = excluded.email, shown = excluded.shown",
            _user_row(document),
        )


def _row(document: Document) -> tuple[Any, ...]:
    return document.id, document.kind, document.module, document.name, document.json


def _user_row(document: Document) -> tuple[Any, ...]:
    return document.id, document.body["full_name"], document.body["email"], _shown(document)


def _shown(user: Document) -> str:
    shown = {"name": user.body["full_name"], "id": str(user.id), "email": user.body["email"]}
    return _encode(shown).decode()
