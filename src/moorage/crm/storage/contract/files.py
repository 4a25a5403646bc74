"""Files of an organisation: names with owners, and the bytes behind them.

Bytes lie in the organisation as a content of parts, so that snapshots and moves have them. A content is written in
several transactions and belongs to nobody before it is finished; then it is found by the SHA-256 of its bytes, and the
same bytes are stored once. A file gives a content a name and an owner: the id of a record, an attachment or the
organisation. A file without an owner is an upload that may still get one.

What nobody needs is due at some time, and then swept in small steps: an upload that was broken off or not used, after
`UNUSED`; a content whose last file is gone, after `LINGER`, so that whoever downloads it comes to the end.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import BinaryIO, Protocol

from msgspec import Struct

PART_SIZE = 256 * 1024  # Bytes of each part of a content but the last.
UNUSED = 24 * 3600  # Seconds.
LINGER = 10 * 60  # Seconds.


class ContentGone(Exception):
    """The content that is being written is gone, because the organisation was restored or reset meanwhile."""


class StoredFile(Struct, frozen=True):
    """`key` is a text that nobody can guess: it leads to the file. `content` is None if the file is a `link`."""

    id: int
    key: str
    name: str
    size: int
    content: int | None
    link: str | None
    owner: int | None
    created_time: int
    created_by: int


class NewFile(Struct, frozen=True):
    """A file that is to be added. Without an owner, it is kept for `UNUSED` seconds."""

    name: str
    created_by: int
    size: int = 0
    content: int | None = None
    link: str | None = None
    owner: int | None = None


class FileChanges(Protocol):
    """All calls are part of a `Transaction`, and take effect with it."""

    def begin_content(self, parts: int = 0) -> int:
        """A new content, without bytes. Gives its id. So many parts of a body that is kept get the ids behind it."""

    def add_parts(self, content: int, parts: Iterable[bytes]) -> None:
        """Add the next parts of a content that is not finished. Raises ContentGone."""

    def add_kept(self, content: int, name: str, start: int, size: int) -> None:
        """Add all parts of a content that is not finished: bytes of a body that was kept. Raises ContentGone."""

    def finish_content(self, content: int, digest: str, size: int) -> int:
        """Let a content be found by its digest. Gives the one that holds these bytes, which may be an older one.

        Raises ContentGone.
        """

    def content_of(self, digest: str) -> int | None:
        """The finished content with this digest, which is not swept before the transaction ends."""

    def add(self, files: Iterable[NewFile]) -> list[StoredFile]: ...

    def find(self, keys: Iterable[str]) -> Mapping[str, StoredFile]:
        """By key, the files that exist."""

    def owned_by(self, owners: Iterable[int]) -> Mapping[int, list[StoredFile]]:
        """By owner, its files, oldest first. An owner without files is left out."""

    def give(self, owners: Mapping[int, int]) -> None:
        """Give files, by their ids, to other owners."""

    def remove(self, files: Iterable[int]) -> None:
        """Remove files, by their ids. A content whose last file goes is due after `LINGER`."""

    def remove_all_of(self, owners: Iterable[int]) -> None:
        """Remove the files of owners that are removed for good."""

    def sweep(self, most: int) -> bool:
        """Remove what is due: up to `most` files, or parts of one content. True if more may be due."""


class FileReads(Protocol):
    """Calls raise StoreClosed, as those of `RecordStore`, but parts are read to their end."""

    async def find(self, key: str) -> StoredFile | None: ...

    async def owned_by(self, owners: Iterable[int]) -> Mapping[int, list[StoredFile]]:
        """As `FileChanges.owned_by`."""

    async def owned_after(self, file: int, limit: int) -> list[StoredFile]:
        """The next files that have an owner, in the order of their ids, behind the id of a file."""

    async def has_due(self, now: int) -> bool:
        """Whether there is something to sweep."""

    async def has_content(self, digest: str) -> bool:
        """Whether there is a finished content with this digest."""

    async def keep(self, content: int, body: BinaryIO, start: int, size: int) -> str | None:
        """Keep some bytes of a body on the disk, without a turn among the writers. Gives what they are kept under.

        None if they have to be written in parts: the storage keeps no bodies, or not this one.
        """

    async def tidy(self) -> None:
        """Remove the bodies that were kept and that no content has any more."""

    def parts(self, content: int) -> AsyncGenerator[bytes, None]:
        """The bytes of a content, in parts. No transaction is open between two of them.

        They end early if the content is swept meanwhile: whoever reads has to count.
        """
