"""Companions: small documents that belong to a record or to the organisation, such as locks, shares and e-mails.

A record's companions stay when it goes to the recycle bin. Whoever removes it for good removes them.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from msgspec import Struct


class Companion(Struct, frozen=True):
    """`owner` is the id of a record; 0 is the organisation. `body` is any JSON value.

    Ids are of `Transaction.new_ids`. `name` is a text to find the companion by, as it is written: who wants to find it
    regardless of case gives it folded. Several may have the same name.
    """

    id: int
    kind: str
    owner: int = 0
    name: str = ""
    body: Any = None


class CompanionsOf(Struct, frozen=True):
    """A filter: the companions of one kind, and of one owner or one name if they are given, or of several."""

    kind: str
    owner: int | None = None
    name: str | None = None
    newest_first: bool = False
    owners: tuple[int, ...] | None = None
    names: tuple[str, ...] | None = None


class CompanionPage(Struct, frozen=True):
    """`more` says whether companions follow."""

    companions: Sequence[Companion]
    more: bool


class Companions(Protocol):
    """All calls are part of a `Transaction`. Lists are in the order of ids."""

    def put(self, companions: Sequence[Companion]) -> None:
        """Add companions, or replace those with the same ids."""

    def remove(self, ids: Iterable[int]) -> None:
        """It is no error if there is no companion with an id."""

    def remove_all_of(self, owners: Iterable[int]) -> None:
        """Remove the companions of every kind."""

    def by_id(self, ids: Iterable[int]) -> dict[int, Companion]:
        """Those that exist."""

    def of(self, kind: str, owners: Iterable[int]) -> dict[int, list[Companion]]:
        """By owner. One without companions of the kind is left out."""

    def named(self, kind: str, names: Iterable[str]) -> dict[str, list[Companion]]:
        """By name. One that no companion of the kind has is left out."""
