"""The contract of a storage for everything that a CRM stores."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from moorage.crm.storage.contract.organisations import OrganisationStorage
from moorage.crm.storage.contract.transfers import Transfers
from moorage.storage.database import Database

# Checks a file for at most so many seconds. Returns what is wrong with it, or None. Raises DatabaseUnusable.
Complaint: TypeAlias = Callable[[float], str | None]


class CrmStorage(Protocol):
    """Chosen once, in `rooms/crm.py`, by the URL of the CRM's database."""

    @property
    def database(self) -> Database:
        """The database of the registry and of the accounts server. `storage/migrations` makes its tables."""

    @property
    def organisations(self) -> OrganisationStorage: ...

    @property
    def is_shared(self) -> bool:
        """True if processes on other machines use it, too. Then nothing that they need may be in a folder."""

    @property
    def transfers(self) -> Transfers | None:
        """Moves of organisations between servers; None for a storage without servers."""

    def exclusively(self) -> AbstractAsyncContextManager[None]:
        """A lock for work on whole organisations, across processes. If a process dies, its lock is released.

        It is not the lock of the registry's database, because then no other process could read a token meanwhile.
        """

    def was_used(self) -> bool:
        """True if there was ever an organisation. Must not be called in the event loop. Raises DatabaseUnusable."""

    def complaints(self) -> Mapping[str, Complaint]:
        """The checks for damage of all files but the organisations, by the names of the files in messages."""

    async def close(self) -> None:
        """Close the storage. Its organisations have to be closed before."""
