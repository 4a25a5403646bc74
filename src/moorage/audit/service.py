"""Reads the audit: pages for a caller, and everything for the operator."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from time import monotonic
from typing import Any

import msgspec

from moorage.audit import store
from moorage.audit.chain import Chain, Chains
from moorage.audit.store import Filter
from moorage.storage import Database, Transaction

PAGE = 500  # Entries that are read at once.
LOOK = 100  # Entries of which the hashes are computed at once.


class Page(msgspec.Struct, frozen=True):
    """Entries as documents. `next` is the cursor of the next page; None at the end.

    `head` has the number and the hash of the account's last entry.
    """

    entries: list[dict[str, Any]]
    next: int | None
    head: tuple[int, str] | None


class Audit:
    """All methods raise DatabaseUnusable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        account_id: str,
        asked: Filter,
        *,
        limit: int,
        cursor: int | None = None,
        oldest_first: bool = False,
    ) -> Page:
        """The entries of an account that match, from the cursor on."""
        async with self._database.reading() as tx:
            documents = await store.search(
                tx, asked, account_id, limit=limit + 1, cursor=cursor, oldest_first=oldest_first
            )
            head = await store.head_of(tx, account_id)
        following = documents[limit]["number"] if len(documents) > limit else None
        return Page(documents[:limit], following, head)

    async def look(self, account_id: str, cursor: int, longest: float) -> tuple[Chain, int | None]:
        """Whether the entries of an account fit together, from a number on, and where the next look begins.

        It ends after `longest` seconds. The next one begins with the last entry of this one, so that none is left out
        between them.
        """
        chain, end = Chain(account_id), monotonic() + longest
        async with self._database.reading() as tx:
            while True:
                page = await store.search(
                    tx,
                    Filter(),
                    account_id,
                    limit=LOOK,
                    cursor=chain.number + 1 if chain.count else cursor,
                    oldest_first=True,
                )
                for document in page:
                    chain.add(document, whole=cursor == 1)
                if chain.first > cursor > 1:
                    chain.fault(f"entries {cursor} to {chain.first - 1} are missing")
                if len(page) < LOOK:
                    chain.head = await store.head_of(tx, account_id)
                    if chain.count or (chain.head is not None and cursor == 1):
                        chain.end()
                    return chain, None
                if monotonic() > end:
                    return chain, chain.number
                await asyncio.sleep(0)  # Calls go first.

    async def every(self, asked: Filter, *, limit: int) -> list[dict[str, Any]]:
        """The newest entries of all accounts that match. Only for the operator."""
        async with self._database.reading() as tx:
            return await store.newest(tx, asked, limit)

    async def whole(self, asked: Filter) -> AsyncIterator[dict[str, Any]]:
        """The entries of all accounts, one account after the other, the oldest first. Only for the operator."""
        async with self._database.reading() as tx:
            async for document in _each(tx, asked):
                yield document

    async def verify(self, anchors: Iterable[str] = ()) -> tuple[list[Chain], list[str]]:
        """All chains with their faults, and the anchors that fit nowhere. Only for the operator."""
        chains = Chains(anchors)
        async with (
            self._database.reading() as tx
        ):  # One moment, so that all chains end where their heads say.
            async for document in _each(tx, Filter()):
                chains.add(document)
            chains.end(await store.heads_of(tx))
        return chains.found()


async def _each(tx: Transaction, asked: Filter) -> AsyncIterator[dict[str, Any]]:
    for account_id in await store.accounts(tx):
        cursor: int | None = 0
        while cursor is not None:
            page = await store.search(tx, asked, account_id, limit=PAGE, cursor=cursor, oldest_first=True)
            for document in page:
                yield document
            cursor = page[-1]["number"] + 1 if len(page) == PAGE else None
