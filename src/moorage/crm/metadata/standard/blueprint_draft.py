"""The blueprint while it is made: the documents so far, and the next ids."""

from collections.abc import Callable

import msgspec

from moorage.crm.metadata.documents import Body, Document, Kind
from moorage.crm.metadata.ids import ID_SPACE


class BlueprintDraft(msgspec.Struct):
    """`created` is the time of creation as the API writes it; `modules` has the ids of modules by API name."""

    prefix: int
    new_number: Callable[[], int]
    created: str
    documents: list[Document] = msgspec.field(default_factory=list)
    modules: dict[str, str] = msgspec.field(default_factory=dict)

    def new_id(self, number: int | None = None) -> str:
        """A new id; `number` is a number that never changes (see `fixed_ids.py`)."""
        return str(self.prefix * ID_SPACE + (self.new_number() if number is None else number))

    def add(self, kind: Kind, name: str, body: Body, module: str | None = None) -> None:
        """Add a document; its body has an `id` already. `module` is the API name of the document's module."""
        owner = int(self.modules[module]) if module else 0
        self.documents.append(Document(int(body["id"]), kind, owner, name, body))

    def module(self, api_name: str) -> Body:
        """A reference to a module."""
        return {"api_name": api_name, "id": self.modules[api_name]}
