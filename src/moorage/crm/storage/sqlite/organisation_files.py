"""The organisations as SQLite files: `<slug>.db` in one folder. Two organisations never share a file."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import apsw

from moorage.clock import Clock
from moorage.crm.errors import OrganisationDamaged, SnapshotUnwritable
from moorage.crm.metadata import fixed_ids
from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.storage.carried import no_snapshot, on_its_way
from moorage.crm.storage.contract.departures import Arriving, Departing
from moorage.crm.storage.contract.organisations import Fill, Organisation, Place
from moorage.crm.storage.contract.outbox import Listener
from moorage.crm.storage.contract.records import StoreClosed
from moorage.crm.storage.sqlite import departing
from moorage.crm.storage.sqlite.change_mark import ChangeMark
from moorage.crm.storage.sqlite.file_rows import FileCopy, unsafe_file
from moorage.crm.storage.sqlite.long_files import LongFiles
from moorage.crm.storage.sqlite.metadata_change import (
    read_metadata,
    set_version,
    version,
    write_document,
)
from moorage.crm.storage.sqlite.outbox import outbox_of
from moorage.crm.storage.sqlite.readers import OrganisationFile, ReadThreads, connect, transaction
from moorage.crm.storage.sqlite.schema import FIXED, module_statements
from moorage.crm.storage.sqlite.store import SqliteStore
from moorage.crm.storage.sqlite.text_layout import read_places
from moorage.crm.storage.sqlite.transaction import SqliteTransaction
from moorage.crm.storage.sqlite.trouble import database_trouble
from moorage.crm.storage.sqlite.whole_files import (
    copied_whole,
    copy,
    identity_of,
    is_of,
    is_sound,
    last_id,
    make_single,
    new_file,
    remove,
)
from moorage.storage import flush_folder
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.trouble import trouble_of, unusable
from moorage.storage.trouble_kinds import DAMAGED, UNOPENABLE

# A restore reads the counter of ids and replaces it. Between the two, fewer records than this can get a new id.
IDS_IN_FLIGHT = 1_000_000


class SqliteFiles:
    """An `OrganisationStorage`. `folder` is made if it is missing."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._clock = clock
        self._threads = ReadThreads()
        self._mark = ChangeMark(folder.with_name("changes"))

    @database_trouble()
    def make(self, place: Place, documents: Sequence[Document], fill: Fill | None) -> None:
        draft = self._draft(place.slug)
        remove(draft)
        draft.touch(0o600)
        with contextlib.closing(connect(draft)) as connection:
            with transaction(connection):
                _write_metadata(connection, documents)
            if fill is not None:
                self._fill(connection, self._opened(draft, place.identity), fill)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._put(draft, place.slug)

    def open(self, place: Place, listener: Listener | None = None) -> Organisation:
        slug, path = place.slug, self._path(place.slug)
        if departing.is_closed(path):
            raise on_its_way(slug)
        try:
            return self._opened(path, place.identity, listener)
        except (apsw.Error, StoreClosed, LookupError, ValueError) as error:
            raise _unreadable(path, slug, error) from error
        except DatabaseUnusable as error:
            if path.exists() and error.kind not in {DAMAGED.kind, UNOPENABLE.kind}:
                raise
            raise _damaged(path, slug, error) from error

    @database_trouble()
    def snapshot(self, place: Place, target: Path) -> None:
        slug, path = place.slug, self._path(place.slug)
        if target.resolve().parent == self._folder.resolve():
            raise SnapshotUnwritable(
                f"{target} is in the folder of the organisations.", help="Use another folder."
            )
        if identity_of(path) is None:
            raise _damaged(path, slug, None)
        long_files = LongFiles(path)
        with new_file(target) as partial, long_files.held():
            try:
                copy(path, partial)
                make_single(partial)
                long_files.fill(partial)
            except apsw.CorruptError as error:
                raise _damaged(path, slug, error) from error

    @database_trouble()
    def restore(self, place: Place, source: Path) -> None:
        slug, draft = place.slug, self._draft(place.slug)
        remove(draft)
        if not is_of(source, place.identity) or not copied_whole(source, draft):
            remove(draft)
            raise no_snapshot(source, slug)
        if self._path(slug).exists():
            _set_last_id(draft, max(last_id(self._path(slug)), last_id(draft)) + IDS_IN_FLIGHT)
            _pass_over_acknowledged(draft, self._path(slug))
        self._put(draft, slug)

    @database_trouble()
    def remove(self, place: Place) -> None:
        remove(self._path(place.slug))
        remove(self._draft(place.slug))

    @contextlib.contextmanager
    def depart(self, place: Place) -> Iterator[Departing]:
        path = self._path(place.slug)
        if identity_of(path) != place.identity or not is_sound(path):
            raise _damaged(path, place.slug, None)
        with database_trouble(), departing.departing(path, self._mark) as file:
            yield file

    @database_trouble()
    def stay(self, place: Place) -> None:
        departing.stay(self._path(place.slug))

    @contextlib.contextmanager
    def arrive(self, place: Place) -> Iterator[Arriving]:
        draft = self._draft(place.slug)
        remove(draft)
        with database_trouble():
            with unsafe_file(draft) as connection:
                yield FileCopy(connection)
            self._put(draft, place.slug)

    def is_closed(self, place: Place) -> bool:
        return departing.is_closed(self._path(place.slug))

    @database_trouble()
    def reopen(self, place: Place) -> None:
        departing.reopen(self._path(place.slug), self._mark)

    def close(self) -> None:
        self._threads.close()
        self._mark.close()

    def _path(self, slug: str) -> Path:
        return self._folder / f"{slug}.db"

    def _draft(self, slug: str) -> Path:
        """The path at which a new file is written. It replaces the old file only when it is complete."""
        return self._folder / f"{slug}.db.partial"

    def _fill(self, connection: apsw.Connection, organisation: Organisation, fill: Fill) -> None:
        changes = SqliteTransaction(connection, organisation.catalog, organisation.prefix, 0)

        def begin(now: int) -> SqliteTransaction:
            changes.now = now
            return changes

        try:
            with transaction(connection):
                fill(organisation, begin)
                changes.finish()
        finally:
            organisation.store.close()

    def _put(self, draft: Path, slug: str) -> None:
        """Move a complete draft to the path of a slug. An older file there may be in use."""
        path = self._path(slug)
        try:
            if path.exists():
                _set_version(draft, path)
                with self._mark.changing():
                    copy(draft, path)
                remove(draft)
                return
        except (apsw.NotADBError, apsw.CorruptError):
            remove(path)  # A damaged file can't be overwritten by SQLite's copy.
        draft.replace(path)
        remove(draft)
        flush_folder(path)

    def _opened(self, path: Path, identity: int, listener: Listener | None = None) -> Organisation:
        file = OrganisationFile(path)
        known_version, metadata = _read_metadata(file)
        catalog, zone = Catalog(metadata), ZoneInfo(metadata.org["time_zone"])
        prefix = identity // ID_SPACE
        store = SqliteStore(
            file,
            catalog,
            prefix,
            zone,
            self._clock,
            self._threads,
            mark=self._mark,
            known_version=known_version,
            listener=listener,
        )
        return Organisation(identity, metadata, catalog, zone, store)


def _damaged(path: Path, slug: str, error: Exception | None) -> OrganisationDamaged:
    reason = f"can't be read ({error or 'it is not a database'})" if path.exists() else "is missing"
    return OrganisationDamaged(
        f"The file of the organisation {slug!r} {reason}.",
        help=f"`moorage crm org restore {slug} FILE` restores a snapshot.",
    )


def _unreadable(path: Path, slug: str, error: Exception) -> OrganisationDamaged | DatabaseUnusable:
    """The error for a file that can't be read. The cause may be the file, or something else, such as the disk."""
    if path.exists() and trouble_of(error, path) not in {None, DAMAGED, UNOPENABLE}:
        return unusable(f"The file of the organisation {slug!r}", error, path)
    return _damaged(path, slug, error)


def _write_metadata(connection: apsw.Connection, documents: Sequence[Document]) -> None:
    for statement in FIXED:
        connection.execute(statement)
    for document in documents:  # Before the catalog reads them: until then, their JSON is what is stored.
        write_document(connection, document)
    for module in Catalog(Metadata(documents)).modules.values():
        for statement in module_statements(module):
            connection.execute(statement)
    connection.execute("INSERT INTO counters VALUES ('id', ?)", (fixed_ids.FIRST_RECORD,))


def _read_metadata(file: OrganisationFile) -> tuple[int, Metadata]:
    """The version of the metadata, and the metadata."""
    with contextlib.closing(file.connect()) as connection:
        connection.execute("BEGIN")  # Both have to be of the same moment.
        return version(connection), read_metadata(connection)


def _set_version(draft: Path, path: Path) -> None:
    """Give a draft the version of the file that it replaces; if their metadata differ, a version that is new.

    With a new version, every process that has the file open reads the metadata again.
    """
    with contextlib.closing(connect(draft)) as new, contextlib.closing(connect(path)) as old:
        versions = version(new), version(old)
        is_same = _catalog_source(new) == _catalog_source(old)
        set_version(new, versions[1] if is_same else max(versions) + 1)


def _catalog_source(connection: apsw.Connection) -> tuple[object, object]:
    """Everything from which a catalog and the layout of the full text are made."""
    sql = "SELECT * FROM metadata WHERE kind IN ('module', 'field') ORDER BY position"
    documents: object = connection.execute(sql).fetchall()
    return documents, read_places(connection)


def _set_last_id(path: Path, last_id: int) -> None:
    with contextlib.closing(connect(path)) as connection:
        connection.execute("UPDATE counters SET value = ? WHERE name = 'id'", (last_id,))


def _pass_over_acknowledged(draft: Path, path: Path) -> None:
    """Remove from a draft the events that were acknowledged in the file that it will replace."""
    acknowledged: Sequence[tuple[str, int]] = ()
    # A damaged file is replaced, too.
    with contextlib.suppress(apsw.Error), contextlib.closing(connect(path)) as old:
        acknowledged = outbox_of(old).acknowledged()
    with contextlib.closing(connect(draft)) as connection, transaction(connection):
        for kind, last in acknowledged:
            outbox_of(connection).pass_over(kind, last)
