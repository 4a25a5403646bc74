"""What the parts of a blueprint share: the ids given out so far and the documents written so far."""

from collections.abc import Callable
from dataclasses import dataclass, field

from moorage.crm.metadata.documents import Body, Document, Kind
from moorage.crm.metadata.ids import ID_SPACE


@dataclass(slots=True)
class Draft:
    """`created` is the moment of creation as the API writes it; `modules` maps API names to ids."""

    prefix: int
    new_number: Callable[[], int]
    created: str
    documents: list[Document] = field(default_factory=list)
    modules: dict[str, str] = field(default_factory=dict)

    def new_id(self, number: int | None = None) -> str:
        """A new id; `number` is given where it is one that never changes (see `fixed_ids.py`)."""
        return str(self.prefix * ID_SPACE + (self.new_number() if number is None else number))

    def add(self, kind: Kind, name: str, body: Body, module: str | None = None) -> None:
        """Write a document whose body already has its `id`; `module` is the API name of its module."""
        owner = int(self.modules[module]) if module else 0
        self.documents.append(Document(int(body["id"]), kind, owner, name, body))

    def module(self, api_name: str) -> Body:
        """A reference to a module."""
        return {"api_name": api_name, "id": self.modules[api_name]}
