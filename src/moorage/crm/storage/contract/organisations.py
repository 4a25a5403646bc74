"""An open organisation, and the contract of a storage for whole organisations."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.storage.contract.departures import Arriving, Departing
from moorage.crm.storage.contract.outbox import Listener
from moorage.crm.storage.contract.records import RecordStore, Transaction


@dataclass(eq=False)
class Organisation:
    """An open organisation. Every id inside of it begins with the same seven digits as its own `id`."""

    id: int
    metadata: Metadata
    catalog: Catalog
    zone: ZoneInfo
    store: RecordStore

    @property
    def prefix(self) -> int:
        return self.id // ID_SPACE


class Place(msgspec.Struct, frozen=True):
    """Where an organisation is stored. `identity` is its id.

    SQLite goes by the slug, and PostgreSQL by the id. `server` is the name of one of several servers; None is the only
    one.
    """

    slug: str
    identity: int
    server: str | None = None


# Opens the organisation with an id. Returns None if it does not exist. Raises OrganisationDamaged.
OpenOrganisation: TypeAlias = Callable[[int], Awaitable[Organisation | None]]

# Writes the first records of a new organisation, in one transaction. The function that it gets returns this transaction
# with another time as its `now`.
Fill: TypeAlias = Callable[[Organisation, Callable[[int], Transaction]], None]


class OrganisationStorage(Protocol):
    """Stores the organisations. SQLite has a file for each of them, PostgreSQL a schema.

    A caller of `make`, `snapshot`, `restore` or `remove` holds the lock of `CrmStorage.exclusively`, so no other
    process does such work at the same time. The organisation itself may be in use: an open store sees the change in
    one step, or it is closed.
    """

    def make(self, place: Place, documents: Sequence[Document], fill: Fill | None) -> None:
        """Make an organisation from its documents. If there is one at the place already, it is replaced."""

    def open(self, place: Place, listener: Listener | None = None) -> Organisation:
        """Open an organisation. Raises OrganisationDamaged.

        `listener` is for the events that its store writes.
        """

    def snapshot(self, place: Place, target: Path) -> None:
        """Copy an organisation as it is now to a file. Raises OrganisationDamaged, SnapshotUnwritable."""

    def restore(self, place: Place, source: Path) -> None:
        """Put an organisation back into the state of a snapshot. Ids that were used since are not used again.

        Events that were acknowledged since do not come back.

        Raises OrganisationInvalid if the file is damaged, or is not a snapshot of this organisation.
        """

    def remove(self, place: Place) -> None:
        """Remove everything at a place, also of a `make` that did not finish. It is no error if there is nothing."""

    def depart(self, place: Place) -> AbstractContextManager[Departing]:
        """What changes in an organisation is written down from now on, until `stay`. Raises OrganisationDamaged."""

    def stay(self, place: Place) -> None:
        """Write down no more what changes, and forget what was. It is no error if nothing was, or nothing is there."""

    def arrive(self, place: Place) -> AbstractContextManager[Arriving]:
        """The context in which an organisation from another storage is copied to a place where there is none."""

    def is_closed(self, place: Place) -> bool:
        """Whether the organisation was closed by `Held.close`."""

    def reopen(self, place: Place) -> None:
        """Let a closed organisation be used again."""

    def close(self) -> None:
        """Close the storage. Its organisations have to be closed before."""
