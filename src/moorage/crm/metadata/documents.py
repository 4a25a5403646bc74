"""An organisation's metadata, as the documents that Zoho's API shows: all that is not records.

A document is one row: an id, a kind, the module it belongs to (0 for none), a name and its JSON. The kinds:

    org, user, role, profile, global_picklist, fiscal_year, currency                of the organisation
    module, field, layout, related_list, custom_view, map_dependency                of a module

`standard/` makes the documents of a new organisation, `api/` shows them, and `catalog.py` prepares modules and fields
for work on records.
"""

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import msgspec

Body: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal[
    "org", "user", "role", "profile", "global_picklist", "fiscal_year", "currency",
    "module", "field", "layout", "related_list", "custom_view", "map_dependency",
]  # fmt: skip


_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Document:
    """`id` has all its 19 digits; `module` is the id of the module's document, or 0.

    The body may be given as JSON text. It is read when somebody asks for the body.
    """

    __slots__ = ("_body", "id", "kind", "module", "name")

    def __init__(self, id: int, kind: Kind, module: int, name: str, body: Body | str) -> None:  # noqa: A002
        self.id = id
        self.kind = kind
        self.module = module
        self.name = name
        self._body = body

    @property
    def body(self) -> Body:
        if isinstance(self._body, str):
            self._body = _decode(self._body)
        return self._body  # type: ignore[return-value]

    def with_body(self, body: Body) -> "Document":
        return Document(self.id, self.kind, self.module, self.name, body)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document) and self._values() == other._values()

    __hash__ = None  # type: ignore[assignment]  # A body can change.

    def _values(self) -> tuple[int, Kind, int, str, Body]:
        return self.id, self.kind, self.module, self.name, self.body

    @property
    def json(self) -> str:
        """The body as JSON text."""
        return self._body if isinstance(self._body, str) else _encode(self._body).decode()


class Metadata:
    """The documents of one organisation, in the order they were made."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._by_kind: dict[tuple[Kind, int], list[Document]] = {}
        self._by_id: dict[int, Document] = {}
        self._spellings: dict[str, str] | None = None
        for document in documents:
            self._by_kind.setdefault((document.kind, document.module), []).append(document)
            self._by_id[document.id] = document

    def all(self, kind: Kind, module: int = 0) -> list[Document]:
        return self._by_kind.get((kind, module), [])

    def find(self, kind: Kind, id: int) -> Document | None:  # noqa: A002
        document = self._by_id.get(id)
        return document if document is not None and document.kind == kind else None

    def module_spelling(self, name: str) -> str | None:
        """The API name of the module that has this name in any case of its letters."""
        if self._spellings is None:
            self._spellings = {module.name.lower(): module.name for module in self.all("module")}
        return self._spellings.get(name.lower())

    @property
    def org(self) -> Body:
        return self.all("org")[0].body
