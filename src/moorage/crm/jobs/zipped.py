"""A zip, written into the organisation part by part: so memory does not grow with its length."""

import hashlib
import io
import zipfile
from typing import IO, TYPE_CHECKING, cast

from moorage.crm.jobs.threads import in_thread
from moorage.crm.storage.contract.files import PART_SIZE, ContentGone, NewFile, StoredFile
from moorage.crm.storage.contract.records import RecordStore, StoreClosed, Transaction

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PARTS = 4  # Parts that are written in one transaction.
_LEVEL = 1  # Of compression: the higher ones take three times as long to save a tenth.


class StoredZip:
    """A zip that is written. Calls raise StoreClosed if the organisation has changed: then write another one."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._out = _Out()
        self._zip = zipfile.ZipFile(
            cast("IO[bytes]", self._out), "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL
        )
        self._file: IO[bytes] | None = None
        self._content: int | None = None
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def length(self) -> int:
        """Bytes of the zip so far, but for those that are still compressed."""
        return self.size + len(self._out.waiting)

    def begin(self, name: str) -> None:
        """Begin a file in the zip, which is behind those before it."""
        if self._file is not None:
            self._file.close()
        self._file = self._zip.open(name, "w", force_zip64=True)

    async def write(self, data: bytes) -> None:
        assert self._file is not None
        await in_thread(self._file.write, data)
        while len(self._out.waiting) >= PARTS * PART_SIZE:
            await self._store_parts(self._out.take(PARTS * PART_SIZE))

    async def finish(self) -> None:
        """Write the end of the zip."""
        await in_thread(self._close)
        await self._store_parts(self._out.take(len(self._out.waiting)))

    def add(self, transaction: Transaction, name: str, user: int, owner: int | None = None) -> StoredFile:
        """The whole zip as a file. Without an owner, it is kept for a day."""
        assert self._content is not None
        try:
            content = transaction.files.finish_content(self._content, self._digest.hexdigest(), self.size)
        except ContentGone:
            raise StoreClosed from None
        return transaction.files.add([NewFile(name, user, size=self.size, content=content, owner=owner)])[0]

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._zip.close()

    async def _store_parts(self, data: bytes) -> None:
        def write(transaction: Transaction) -> int:
            content = self._content or transaction.files.begin_content()
            parts = [data[start : start + PART_SIZE] for start in range(0, len(data), PART_SIZE)]
            transaction.files.add_parts(content, parts)
            return content

        try:
            self._content = await self._store.write(write)
        except ContentGone:
            raise StoreClosed from None
        self._digest.update(data)
        self.size += len(data)


class _Out(io.RawIOBase):
    """What the zip is written to. It can't be read or sought, as a pipe."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer") -> int:
        self.waiting += data
        return memoryview(data).nbytes

    def take(self, size: int) -> bytes:
        data = bytes(self.waiting[:size])
        del self.waiting[:size]
        return data
