"""Settings that only their own calls read: companions of the organisation, of one kind each (decision 0059)."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from moorage.crm.metadata.documents import Body
from moorage.crm.storage.contract.companions import Companion, CompanionsOf
from moorage.crm.storage.contract.records import Transaction, Window
from moorage.crm.wire.call import Call, settled

MOST = 2_000  # Of one kind.

T = TypeVar("T")


async def documents_of(call: Call, kind: str) -> Sequence[Companion]:
    """All of a kind, the oldest first."""
    page = await settled(call.store.companions(CompanionsOf(kind, owner=0), Window(MOST)))
    return page.companions


class Documents(msgspec.Struct, frozen=True):
    """The documents of a kind, within a transaction."""

    kind: str
    transaction: Transaction

    @staticmethod
    async def change(call: Call, kind: str, job: "Callable[[Documents], T]") -> T:
        return await call.store.write(lambda transaction: job(Documents(kind, transaction)))

    def all(self) -> list[Companion]:
        return self.transaction.companions.of(self.kind, [0]).get(0, [])

    def find(self, identity: int | None) -> Companion | None:
        return next((each for each in self.all() if each.id == identity), None)

    def named(self, name: str) -> Companion | None:
        return next((each for each in self.all() if each.name == name), None)

    def put(self, body: Body, known: Companion | None = None, name: str = "") -> int:
        """Store a new document, or the new body of one that is known. Gives its id."""
        identity = known.id if known is not None else self.transaction.new_ids(1)[0]
        self.transaction.companions.put([Companion(identity, self.kind, 0, name, body)])
        return identity

    def remove(self, document: Companion) -> None:
        self.transaction.companions.remove([document.id])
