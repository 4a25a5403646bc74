"""The records whose words one transaction has changed."""

from collections.abc import Iterable, Mapping

from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.contract.records import Row


class TextChanges:
    """All jobs of a group share them, because to write the full text once costs far less than for each job."""

    def __init__(self) -> None:
        self._changes: list[tuple[Module, Mapping[int, Row | None]]] = []

    def __len__(self) -> int:
        """How many changes were noted."""
        return len(self._changes)

    def note_new(self, module: Module, rows: Iterable[Row]) -> None:
        self._note(module, {row["id"]: row for row in rows})

    def note_changed(self, module: Module, records: Iterable[int]) -> None:
        """Their words have to be read from the records; those that are gone have none."""
        self._note(module, dict.fromkeys(records))

    def _note(self, module: Module, rows: Mapping[int, Row | None]) -> None:
        if module.full_text and rows:
            self._changes.append((module, rows))

    def forget(self, length: int) -> None:
        """Forget all changes but the first ones."""
        del self._changes[length:]

    def take(self) -> dict[Module, dict[int, Row | None]]:
        """By module, the records: a row that is new, or None where it has to be read."""
        by_module: dict[Module, dict[int, Row | None]] = {}
        for module, rows in self._changes:
            by_module.setdefault(module, {}).update(rows)
        self._changes.clear()
        return by_module
