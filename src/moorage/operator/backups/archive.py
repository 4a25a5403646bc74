"""The parts of a backup: a tar archive inside of the sealed file. Its last part lists the digests of all others."""

import contextlib
import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeAlias

import msgspec

from moorage.operator.backups.errors import BackupDamaged, BackupUnreadable
from moorage.operator.backups.sealed import Opening, Sealing

ABOUT = "about.json"
LIST = "parts.json"
_COPIED = 1024 * 1024  # Bytes at once.
_LONGEST_LIST = 100 * 1024 * 1024  # Bytes.
# Parts become files, so none may lead out of the folder.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*){0,3}")

# Called with the name of each part before it is copied.
Tell: TypeAlias = Callable[[str], None]


class Part(msgspec.Struct, frozen=True):
    name: str
    bytes: int
    sha256: str


class Contents(msgspec.Struct, frozen=True):
    """What a backup says of itself, and its parts."""

    about: dict[str, Any]
    parts: tuple[Part, ...]

    @property
    def organisations(self) -> list[str]:
        """The short names of the organisations."""
        names = [Path(part.name) for part in self.parts if part.name.startswith("crm/orgs/")]
        return [name.stem for name in names]


class Archive:
    """Writes a backup. `add` and `add_text` add parts; `finish` writes their list."""

    def __init__(self, file: BinaryIO, passphrase: str, about: dict[str, Any], tell: Tell) -> None:
        self._sealing = Sealing(file, passphrase)
        self._tar = tarfile.open(mode="w|", fileobj=self._sealing, bufsize=_COPIED)  # noqa: SIM115 (see `finish`)
        self._about = about
        self._parts: list[Part] = []
        self._tell = tell
        self.add_text(ABOUT, json.dumps(about))

    def add(self, name: str, path: Path) -> None:
        self._tell(name)
        with path.open("rb") as file:
            about = path.stat()
            self._put(name, about.st_size, file, changed_at=int(about.st_mtime))

    def add_text(self, name: str, text: str | bytes) -> None:
        content = text.encode() if isinstance(text, str) else text
        self._put(name, len(content), io.BytesIO(content))

    def finish(self) -> Contents:
        parts = tuple(self._parts)
        self.add_text(LIST, json.dumps([[part.name, part.bytes, part.sha256] for part in parts]))
        self._tar.close()
        self._sealing.finish()
        return Contents(self._about, parts)

    def _put(self, name: str, size: int, file: IO[bytes], changed_at: int = 0) -> None:
        member, digest = tarfile.TarInfo(name), hashlib.sha256()
        member.size, member.mtime = size, changed_at
        self._tar.addfile(member, _Digested(file, digest.update))
        self._parts.append(Part(name, size, digest.hexdigest()))


class _Digested(io.RawIOBase):
    """A file that tells what is read of it."""

    def __init__(self, file: IO[bytes], tell: Callable[[bytes], None]) -> None:
        super().__init__()
        self._file = file
        self._tell = tell

    def read(self, size: int = -1, /) -> bytes:
        part = self._file.read(size)
        self._tell(part)
        return part


def check(path: Path, passphrase: str, tell: Tell = lambda _: None) -> Contents:
    """Read a backup to its end, and compare each part with its digest.

    Raises BackupUnreadable, PassphraseWrong, BackupDamaged.
    """
    return extract(path, passphrase, None, tell)


def extract(path: Path, passphrase: str, into: Path | None, tell: Tell = lambda _: None) -> Contents:
    """As `check`, and write the parts to files of a folder, which only their owner may read."""
    with path.open("rb") as file:
        opening = Opening(path, file, passphrase)
        found: list[Part] = []
        about, listed = b"", b""
        try:
            with tarfile.open(mode="r|", fileobj=opening, bufsize=_COPIED) as tar:
                for name, changed_at, member in _members(path, tar):
                    tell(name)
                    target = None if into is None or name in {ABOUT, LIST} else into / name
                    part, text = _copied(name, member, target, is_text=name in {ABOUT, LIST})
                    if target is not None:
                        os.utime(target, (changed_at, changed_at))
                    found.append(part)
                    about, listed = (
                        (text, listed) if name == ABOUT else (about, text if name == LIST else listed)
                    )
        except tarfile.TarError as error:
            raise BackupDamaged(path, str(error)) from error
        opening.finish()
    parts = _compared(path, found, listed)
    return Contents(json.loads(about), parts)


def _members(path: Path, tar: tarfile.TarFile) -> Iterator[tuple[str, float, IO[bytes]]]:
    """The name of each part, when its file was changed last, and its content."""
    for member in tar:
        file = tar.extractfile(member) if member.isreg() else None
        if file is None or not _NAME.fullmatch(member.name):
            raise BackupUnreadable(
                path, f"it has a part {member.name[:80]!r}, which this version does not know"
            )
        yield member.name, member.mtime, file


def _copied(name: str, member: IO[bytes], target: Path | None, *, is_text: bool) -> tuple[Part, bytes]:
    """The part, and its text if it is one. Writes it to a file if there is a target."""
    digest, size, text = hashlib.sha256(), 0, bytearray()
    with _new_file(target) if target is not None else contextlib.nullcontext() as file:
        while content := member.read(_COPIED):
            digest.update(content)
            size += len(content)
            if file is not None:
                file.write(content)
            if is_text and size <= _LONGEST_LIST:
                text += content
    return Part(name, size, digest.hexdigest()), bytes(text)


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that is on the disk at the end."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(0o600)
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _compared(path: Path, found: list[Part], listed: bytes) -> tuple[Part, ...]:
    """The parts but their list, which has to name just them."""
    if not found or found[-1].name != LIST or found[0].name != ABOUT:
        raise BackupDamaged(path, "it has no list of its parts")
    parts = tuple(found[:-1])
    if parts != tuple(Part(*row) for row in json.loads(listed)):
        raise BackupDamaged(path, "its parts are not those that its list names")
    return parts
