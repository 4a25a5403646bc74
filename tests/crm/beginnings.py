"""How organisations of tests begin: what is the same each time is made or worked out once in a process."""

import contextlib
import random
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import TypeVar
from weakref import WeakKeyDictionary

import apsw
import pytest

from moorage.bounded import Bounded
from moorage.clock import FrozenClock
from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.metadata.standard import OrganisationSpec
from moorage.crm.organisations import new
from moorage.crm.organisations import service as organisations_service
from moorage.crm.organisations.service import OrganisationRow, Organisations
from moorage.crm.storage.postgresql import schemas
from moorage.crm.storage.postgresql.documents import documents_of
from moorage.crm.storage.sqlite import metadata_change, organisation_files
from moorage.crm.storage.sqlite import storage as sqlite_storage
from moorage.crm.storage.sqlite.metadata_change import version
from moorage.crm.storage.sqlite.readers import OrganisationFile
from moorage.crm.storage.sqlite.storage import SqliteStorage
from tests.crm.folder import crm_in
from tests.waited import Waited

K = TypeVar("K")
V = TypeVar("V")
BEGIN = datetime(2026, 2, 6, 9, 10, 56, tzinfo=UTC)
KEPT = 12  # Metadata take 8 MB with what is made of them.


class Copies:
    """Folders of new CRMs. One is made once in a process and then copied, which is faster."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        Waited(crm_in(folder / "empty", FrozenClock(BEGIN))).close()

    def storage(self, folder: Path, clock: FrozenClock) -> SqliteStorage:
        """The storage in a folder. The files of a new one are copied, and known to be up to date."""
        if not folder.exists():
            shutil.copytree(self._folder / "empty", folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sqlite_storage, "migrate", lambda *_, **__: None)
            return SqliteStorage(folder, clock)


_made = Bounded[object, bytes](20)


def quicken(organisations: Organisations, orgs: Path, clock: FrozenClock) -> None:
    """Copy new organisations that were made before. One that exists already is made again in the usual way."""
    make = organisations._make

    def made(row, spec, *, sample):
        path, key = orgs / f"{row.slug}.db", (row.id, row.slug, spec, sample, clock.timestamp())
        is_new, file = not path.exists(), _made.get(key)
        if is_new and file is not None:
            path.touch(0o600)
            path.write_bytes(file)
            return
        make(row, spec, sample=sample)
        if is_new:
            _made[key] = path.read_bytes()

    organisations._make = made


class Latest(Bounded[K, V]):
    """Keeps those values longest that were asked for last. For several threads."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._lock = Lock()

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        value = self.get(key)
        made = make() if value is None else value
        with self._lock:
            self.pop(key, None)
            self[key] = made
        return made


class Readings:
    """What organisations begin with, and what their files say: worked out once for all that begin or say the same.

    Only the latest are kept: tests that change metadata make thousands of them, through which each collection of
    garbage would look.
    """

    def __init__(self) -> None:
        self.documents = lru_cache(KEPT)(organisations_service.documents_of)
        self._read, self._catalog = metadata_change.read_metadata, organisation_files.Catalog
        self._metadata = Latest[object, Metadata](KEPT)
        self._by_documents = Latest[int, tuple[Sequence[Document], Metadata]](KEPT)
        self._catalogs = WeakKeyDictionary[Metadata, Catalog]()
        self._documents = Latest[object, list[Document]](KEPT)

    def documents_of(self, rows) -> list[Document]:
        """For the storage on PostgreSQL."""
        said = tuple(rows)
        return self._documents.get_or_make(said, lambda: documents_of(said))

    def of_documents_alone(self, documents: Sequence[Document]) -> Metadata:
        return self.of_documents(documents)[0]

    def metadata(self, file: OrganisationFile) -> tuple[int, Metadata]:
        with contextlib.closing(file.connect()) as connection:
            connection.execute("BEGIN")
            return version(connection), self.metadata_in(connection)

    def metadata_in(self, connection: apsw.Connection) -> Metadata:
        said = tuple(connection.execute("SELECT * FROM metadata ORDER BY position"))
        return self._metadata.get_or_make(said, lambda: self._read(connection))

    def of_documents(self, documents: Sequence[Document]) -> tuple[Metadata, Catalog]:
        """For the storage in memory, which is given the very documents that are worked out once."""
        _, metadata = self._by_documents.get_or_make(id(documents), lambda: (documents, Metadata(documents)))
        return metadata, self.catalog(metadata)

    def catalog(self, metadata: Metadata) -> Catalog:
        if (catalog := self._catalogs.get(metadata)) is None:
            catalog = self._catalogs[metadata] = self._catalog(metadata)
        return catalog


@cache
def readings() -> Readings:
    return Readings()


@pytest.fixture(scope="module", autouse=True)
def quick_openings() -> Iterator[None]:
    """For all tests of the files that import this."""
    known = readings()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(organisations_service, "documents_of", known.documents)
        patch.setattr(organisations_service, "new_id", same_ids)
        patch.setattr(organisation_files, "_read_metadata", known.metadata)
        patch.setattr(organisation_files, "Catalog", known.catalog)
        patch.setattr(metadata_change, "read_metadata", known.metadata_in)
        patch.setattr(metadata_change, "Catalog", known.catalog)
        patch.setattr(schemas, "documents_of", known.documents_of)
        patch.setattr(schemas, "Metadata", known.of_documents_alone)
        patch.setattr(schemas, "Catalog", known.catalog)
        yield


@dataclass(frozen=True, slots=True)
class Start:
    """An organisation that a test begins with, and the scope of its owner's token."""

    slug: str
    spec: OrganisationSpec
    sample: bool
    scope: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A CRM in a folder right after the last organisation was made in it."""

    folder: Path
    row: OrganisationRow
    token: str

    def put(self, folder: Path) -> None:
        """Begin another CRM like this one. It must not have read anything of its folder yet."""
        for file in (Path("registry.db"), Path("orgs", f"{self.row.slug}.db")):
            shutil.copy(self.folder / file, folder / file)


class Beginnings:
    """CRMs that tests begin with. Each is made once in a process."""

    def __init__(self, folder: Path, copies: Copies) -> None:
        self._folder = folder
        self._copies = copies
        self._begun: dict[object, Begun] = {}

    def begun(self, clock: FrozenClock, starts: Sequence[Start]) -> Begun:
        """A CRM in which these organisations were made, one after the other."""
        key = (clock.timestamp(), tuple(starts))
        if key not in self._begun:
            before = self.begun(clock, starts[:-1]).folder if starts[:-1] else None
            folder = self._folder / str(len(self._begun))
            if before is not None:
                shutil.copytree(before, folder)
            self._begun[key] = self._make(folder, clock, starts[-1])
        return self._begun[key]

    def _make(self, folder: Path, clock: FrozenClock, start: Start) -> Begun:
        service = Waited(crm_in(folder, clock, storage=self._copies.storage(folder, clock)))
        row = service.organisations.create(start.slug, start.spec, sample=start.sample)
        begun = Begun(folder, row, token_of(service, row, start.scope))
        service.close()
        return begun


def token_of(service: Waited, row: OrganisationRow, scope: str, user: int = 0) -> str:
    """A new access token of the user of that number in an organisation."""
    organisation = service.organisations.open(row.id)
    client = service.accounts.ensure_client("tests", row.id, organisation.metadata.all("user")[user].id)
    return service.accounts.issue(client, scope).access_token


def was_used(storage: SqliteStorage) -> bool:
    """Whether the registry was opened."""
    return bool(storage.database._readers._all or storage.database._writers._all)


def same_ids(used_ids: Collection[int]) -> int:
    """Like `new_id`, but the same in each test, so that what an organisation begins with is worked out once."""
    with pytest.MonkeyPatch.context() as patch:
        drawn = random.Random(len(used_ids))
        patch.setattr(new, "secrets", SimpleNamespace(randbelow=drawn.randrange))
        return new.new_id(used_ids)
