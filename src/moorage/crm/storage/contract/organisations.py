"""One organisation, open for work, and what a place that keeps organisations promises."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias
from zoneinfo import ZoneInfo

from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.storage.contract.records import RecordStore, Transaction


@dataclass(eq=False)
class Organisation:
    """`id` is the organisation's id; every id inside it starts with the same seven digits."""

    id: int
    metadata: Metadata
    catalog: Catalog
    zone: ZoneInfo
    store: RecordStore

    @property
    def prefix(self) -> int:
        return self.id // ID_SPACE


# Opens the organisation of an id; gives None for one that is gone. Raises OrganisationDamaged.
OpenOrganisation: TypeAlias = Callable[[int], Awaitable[Organisation | None]]

# Writes the first records of a new organisation. All of it is one transaction, which can be had as of any time.
Fill: TypeAlias = Callable[[Organisation, Callable[[int], Transaction]], None]


class OrganisationStorage(Protocol):
    """Where the organisations are kept: SQLite has a file for each; in PostgreSQL it would be a schema.

    Whoever makes, copies, restores or removes holds the registry's lock, so that no other process does meanwhile.
    The organisation may be in use all the same: what is open sees each of these as one step, or finds its store closed.
    """

    def make(self, slug: str, identity: int, documents: Sequence[Document], fill: Fill | None) -> None:
        """Make the organisation of a slug what the documents say, in place of the one there may be."""

    def open(self, slug: str, identity: int) -> Organisation:
        """Raises OrganisationDamaged."""

    def snapshot(self, slug: str, target: Path) -> None:
        """Save the organisation as it is now to a file. Raises OrganisationDamaged, SnapshotUnwritable."""

    def restore(self, slug: str, identity: int, source: Path) -> None:
        """Make the organisation what a snapshot of it holds, except that ids go on from where they are.

        Raises OrganisationInvalid for a file that is no snapshot of this organisation, or a damaged one.
        """

    def remove(self, slug: str) -> None:
        """Remove every trace of a slug, also of a `make` that was cut off. Removing twice is not an error."""

    def close(self) -> None:
        """To be called when every organisation opened here is closed."""
