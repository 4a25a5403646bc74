"""Keeps the files of a request: first their bytes, in several transactions, and in the last one what owns them."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import msgspec

from moorage.crm.files.form import SentFile
from moorage.crm.storage.contract.files import PART_SIZE, ContentGone
from moorage.crm.storage.contract.records import StoreClosed, Transaction
from moorage.crm.wire.call import Call
from moorage.http.multipart import chunks_of

T = TypeVar("T")

AT_ONCE = 16  # Parts in one transaction: 4 MB.
MOST_TRIES = 3  # The same bytes may be swept while they are sent again.


class _Swept(Exception):
    """Bytes that were there are gone."""


class _Kept(msgspec.Struct):
    """The bytes of a file: `content` if they were written for it, and the `parts` that are not written yet.

    `body` is what they are kept under, if a body was kept.
    """

    file: SentFile
    content: int | None
    parts: list[bytes] | None
    body: str | None = None

    def finish(self, transaction: Transaction) -> int:
        """The content with the bytes. Raises _Swept and ContentGone."""
        files = transaction.files
        same = files.content_of(self.file.digest)
        if self.content is None and self.parts is None:
            if same is None:
                raise _Swept
            return same
        if same is not None and self.content is None:
            return same
        content = self.content if self.content is not None else files.begin_content()
        if self.parts:
            files.add_parts(content, self.parts)
        if self.body:
            files.add_kept(content, self.body, self.file.part.start, self.file.size)
        return files.finish_content(content, self.file.digest, self.file.size)


async def keep(call: Call, sent: Sequence[SentFile], own: Callable[[Transaction, list[int]], T]) -> T:
    """Write the bytes of files, then call `own` in a transaction with their contents: it adds what owns them.

    An error that `own` raises leaves nothing that is not swept later. Raises StoreClosed.
    """
    for _ in range(MOST_TRIES):
        kept = [await _written(call, file) for file in sent]

        def job(transaction: Transaction, kept: list[_Kept] = kept) -> T:
            return own(transaction, [each.finish(transaction) for each in kept])

        try:
            return await call.store.write(job)
        except _Swept:
            continue
        except ContentGone:  # The organisation was restored meanwhile: the call begins again.
            break
    raise StoreClosed


async def _written(call: Call, file: SentFile) -> _Kept:
    """Write all bytes of a long file, so that the last transaction is short; those of a short one are only read."""
    if await call.store.files.has_content(file.digest):
        return _Kept(file, None, None)
    chunks = chunks_of(call.request.file(), file.part, PART_SIZE)
    if file.size <= AT_ONCE * PART_SIZE:
        return _Kept(file, None, await asyncio.to_thread(list, chunks))
    places, start = -(-file.size // PART_SIZE), file.part.start
    content = await call.store.write(
        lambda transaction: transaction.files.begin_content(places), lasting=False
    )
    kept = await call.store.files.keep(content, call.request.file(), start, file.size)
    if kept is not None:
        return _Kept(file, content, [], kept)
    parts = await asyncio.to_thread(_next, chunks)
    while parts:
        following = asyncio.ensure_future(asyncio.to_thread(_next, chunks))
        try:
            await _add(call, content, parts)
        finally:
            parts = await following  # Its thread reads from the body, which ends with the call.
    return _Kept(file, content, [])


async def _add(call: Call, content: int, parts: list[bytes]) -> None:
    """The bytes last with the write that finishes the content. Before that, nobody can find them."""
    try:
        await call.store.write(lambda transaction: transaction.files.add_parts(content, parts), lasting=False)
    except ContentGone:
        raise StoreClosed from None


def _next(chunks: Iterator[bytes]) -> list[bytes]:
    return list(islice(chunks, AT_ONCE))
