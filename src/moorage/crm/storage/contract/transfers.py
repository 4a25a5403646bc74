"""What a storage with several servers promises about moves of organisations between them."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec
from msgspec.structs import replace

from moorage.crm.storage.contract.organisations import Place

# Told of each step: its name, how many rows are copied, and about how many there are.
Report: TypeAlias = Callable[[str, int, int], None]


class Transfer(msgspec.Struct, frozen=True):
    """The move of an organisation from its `origin` to another server. No other move has its `number`."""

    origin: Place
    server: str | None
    number: int

    @property
    def target(self) -> Place:
        return replace(self.origin, server=self.server)


class Load(msgspec.Struct, frozen=True):
    """A server, as a move or a new organisation sees it. `size` is in bytes; tables and their indexes are relations."""

    server: str | None
    version: str
    organisations: int
    relations: int
    size: int
    connections: int
    most_connections: int


class Transfers(Protocol):
    """At each moment an organisation is whole at its origin or at the target of its transfer, whoever is killed.

    All methods wait, so they are called in threads. They raise DatabaseUnusable.
    """

    @property
    def servers(self) -> Sequence[str | None]:
        """The names of all servers. None is the server of the registry."""

    def check(self, transfer: Transfer) -> tuple[int, int]:
        """What there is to copy: about how many rows, and bytes. Raises OrganisationInvalid if it can't be moved."""

    def run(self, transfer: Transfer, report: Report) -> None:
        """Copy an organisation while it is used, and end its use at its origin. An error that `report` raises ends it.

        Raises OrganisationInvalid. Whether an error came before or after the end of the use, `is_done` says.
        """

    def is_done(self, transfer: Transfer) -> bool:
        """Whether the organisation is whole at the target, and not used at its origin. If not, it never will be."""

    def remove_copy(self, transfer: Transfer) -> None:
        """Remove what a transfer that is not done has copied. It is no error if there is nothing."""

    def remove_original(self, transfer: Transfer) -> None:
        """Remove what a transfer that is done has left at the origin. It is no error if there is nothing."""

    def load(self, server: str | None) -> Load:
        """How much is on a server."""

    def roomiest(self) -> str | None:
        """The server for a new organisation."""
