"""Everything that a CRM keeps: what one kind of storage gives to it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from moorage.crm.storage.contract.organisations import OrganisationStorage
from moorage.storage.database import Database

# Looks at a file for so many seconds; tells what is wrong with it, None for nothing. Raises DatabaseUnusable.
Complaint: TypeAlias = Callable[[float], str | None]


class CrmStorage(Protocol):
    """Chosen once, in `rooms.py`, by the URL of the CRM's database."""

    @property
    def database(self) -> Database:
        """The registry, and the accounts server's clients and tokens. Its tables are those of `storage/migrations`."""

    @property
    def organisations(self) -> OrganisationStorage: ...

    def alone(self) -> AbstractAsyncContextManager[None]:
        """While no other process makes, copies or removes whole organisations. A process that dies lets go of it.

        A lock of its own, because the registry's would keep others from their tokens for as long.
        """

    def was_used(self) -> bool:
        """Whether there ever was an organisation. To be asked outside of the event loop. Raises DatabaseUnusable."""

    def complaints(self) -> Mapping[str, Complaint]:
        """What can be looked at for damage besides the organisations, by what messages call it."""

    async def close(self) -> None:
        """To be called when every organisation opened here is closed."""
