"""What an organisation holds, as values that a failed job can leave behind."""

import threading
from dataclasses import dataclass, field
from typing import Any

from moorage.crm.metadata.fixed_ids import FIRST_RECORD
from moorage.crm.storage.contract.files import StoredFile


@dataclass
class Contents:
    """`tables` has the rows of each module, by its number and by their ids. Rows are never changed, but replaced."""

    tables: dict[int, dict[int, dict[str, Any]]] = field(default_factory=dict)
    recycled: list[dict[str, Any]] = field(default_factory=list)
    numbers: dict[int, int] = field(default_factory=dict)
    next_id: int = FIRST_RECORD
    # Ids, kinds and payloads. By kind: the id of the last one that was dealt with; who holds them, and until when; how
    # often in a row nobody could deal with them.
    events: list[tuple[int, str, Any]] = field(default_factory=list)
    acknowledged: dict[str, int] = field(default_factory=dict)
    held: dict[str, tuple[int, int]] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    known: int | None = None
    companions: dict[int, Any] = field(default_factory=dict)
    # Files with their due times, and the digest, the due time and the parts of contents, by their ids.
    files: dict[int, tuple[StoredFile, int | None]] = field(default_factory=dict)
    contents: dict[int, tuple[str | None, int | None, list[bytes]]] = field(default_factory=dict)
    watched: int = 0

    def table(self, module) -> dict[int, dict[str, Any]]:
        return self.tables.setdefault(module.number, {})

    def copy(self) -> "Contents":
        return Contents(
            {number: dict(rows) for number, rows in self.tables.items()},
            list(self.recycled),
            dict(self.numbers),
            self.next_id,
            list(self.events),
            dict(self.acknowledged),
            dict(self.held),
            dict(self.failures),
            self.known,
            dict(self.companions),
            dict(self.files),
            dict(self.contents),
            self.watched,
        )


class State:
    """One organisation, which several stores may stand on. `gone` once it was replaced or removed."""

    def __init__(self, identity: int, documents: list[Any], contents: Contents) -> None:
        self.identity = identity
        self.documents = documents
        self.contents = contents
        self.gone = False
        self.version = 0  # Of the documents.
        self.writing = threading.Lock()
