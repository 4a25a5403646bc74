"""The organisations of one CRM folder: made, listed, opened, copied, reset and deleted. Each is one file.

registry.db      which organisations exist; the accounts server's clients and tokens
secret.key       signs page tokens and derives client secrets
orgs/<slug>.db   one organisation
"""

import contextlib
import re
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import apsw
import msgspec

from moorage.clock import Clock
from moorage.crm.blueprint import OrganisationSpec, blueprint, known
from moorage.crm.catalog import ID_SPACE, Catalog
from moorage.crm.errors import OrganisationExists, OrganisationInvalid, OrganisationUnknown
from moorage.crm.metadata import Document, Metadata
from moorage.crm.organisation import Organisation
from moorage.crm.populate import populate
from moorage.crm.store.schema import statements
from moorage.crm.store.sqlite import SqliteStore, connect
from moorage.storage import kept_secret

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
FIRST_PREFIX = 7_243_485  # Of the first organisation in a folder: the one the specification's examples use.


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """What the registry knows; `id` is the organisation's id in the API."""

    id: int
    slug: str
    name: str
    created_at: datetime


class Organisations:
    """`folder` is made when it is missing, readable by its owner alone."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._open: dict[int, Organisation] = {}
        self._aside = ThreadPoolExecutor(2, thread_name_prefix="crm-read")
        (folder / "orgs").mkdir(parents=True, exist_ok=True, mode=0o700)
        self.registry = _registry(folder / "registry.db")
        self.secret_key = kept_secret(folder / "secret.key", lambda: secrets.token_bytes(32))

    def list(self) -> list[OrganisationRow]:
        rows = self.registry.execute(
            "SELECT id, slug, name, created_at FROM organisations ORDER BY created_at, id"
        )
        return [_row(*row) for row in rows]

    def find(self, slug: str) -> OrganisationRow:
        """Raises OrganisationUnknown."""
        sql = "SELECT id, slug, name, created_at FROM organisations WHERE slug = ?"
        row = self.registry.execute(sql, (slug,)).fetchone()
        if row is None:
            known = ", ".join(one.slug for one in self.list()) or "none yet"
            raise OrganisationUnknown(f"There is no organisation {slug!r}.", help=f"Known: {known}.")
        return _row(*row)

    def choose(self, slug: str | None) -> OrganisationRow:
        """The one of that name, or the oldest. Raises OrganisationUnknown."""
        if slug is not None:
            return self.find(slug)
        rows = self.list()
        if not rows:
            raise OrganisationUnknown(
                "There is no organisation yet.", help="`moorage crm org create NAME` makes one."
            )
        return rows[0]

    def create(self, slug: str, spec: OrganisationSpec, *, sample: bool) -> OrganisationRow:
        """Make an organisation, with sample records if wished. Raises OrganisationExists, OrganisationInvalid."""
        if not SLUG.fullmatch(slug):
            raise OrganisationInvalid(
                f"{slug!r} can't name an organisation.",
                help="Use 1 to 40 of a-z, 0-9 and -, such as acme-test.",
            )
        with _transaction(self.registry):
            taken = self.registry.execute("SELECT 1 FROM organisations WHERE slug = ?", (slug,)).fetchone()
            if taken:
                raise OrganisationExists(
                    f"There is an organisation {slug!r} already.",
                    help="Choose another name, or delete it first.",
                )
            identity = self._new_id()
            self._build(self._path(slug), identity, spec, sample=sample)
            values = (
                identity,
                slug,
                spec.name,
                int(self._clock.timestamp()),
                msgspec.json.encode(spec),
                sample,
            )
            self.registry.execute("INSERT INTO organisations VALUES (?, ?, ?, ?, ?, ?)", values)
        return self.find(slug)

    def delete(self, slug: str) -> None:
        row = self.find(slug)
        self.registry.execute("DELETE FROM organisations WHERE id = ?", (row.id,))
        self.forget(row.id)
        _remove(self._path(slug))

    def snapshot(self, slug: str, target: Path) -> None:
        """Copy the organisation as it is now into a file of its own, while it goes on being used."""
        self.find(slug)
        partial = target.with_name(f"{target.name}.partial")
        _remove(partial)
        _copy(self._path(slug), partial)
        # Whoever reads it later is to find all of it in this one file, and to leave no other beside it.
        alone = apsw.Connection(str(partial))
        alone.execute("PRAGMA journal_mode = DELETE")
        alone.close()
        partial.replace(target)

    def restore(self, slug: str, source: Path) -> None:
        """Make the organisation what a snapshot of it holds. Others see it change in one step."""
        row = self.find(slug)
        if not source.is_file() or _identity_of(source) != row.id:
            raise OrganisationInvalid(
                f"{source} is no snapshot of {slug!r}.",
                help="Give a file that `crm org snapshot` made of it.",
            )
        _copy(source, self._path(slug))
        self.forget(row.id)

    def reset(self, slug: str) -> None:
        """Make the organisation what it was when it was created, ids included."""
        row = self.find(slug)
        sql = "SELECT spec, sample FROM organisations WHERE id = ?"
        made: Any = self.registry.execute(sql, (row.id,)).fetchone()
        spec, sample = made
        fresh = self._path(slug).with_suffix(".fresh")
        _remove(fresh)
        self._build(fresh, row.id, msgspec.json.decode(spec, type=OrganisationSpec), sample=bool(sample))
        try:
            _copy(fresh, self._path(slug))
        finally:
            _remove(fresh)
        self.forget(row.id)

    def open(self, identity: int) -> Organisation | None:
        """The organisation ready for work, kept open; None when there is none of that id."""
        found = self._open.get(identity)
        return found if found is not None else self._load(identity)

    def forget(self, identity: int | None = None) -> None:
        """Close one organisation, or all, so that the next use reads it anew."""
        for one in [identity] if identity is not None else list(self._open):
            if (organisation := self._open.pop(one, None)) is not None:
                organisation.store.close()

    def forget_missing(self) -> None:
        """Close what another process deleted, even if it then made one of the same id."""
        known = {row.id for row in self.list()}
        for identity, organisation in list(self._open.items()):
            if identity not in known or organisation.store.gone():
                self.forget(identity)

    def close(self) -> None:
        self.forget()
        self._aside.shutdown()
        self.registry.close()

    def _load(self, identity: int) -> Organisation | None:
        row = self.registry.execute("SELECT slug FROM organisations WHERE id = ?", (identity,)).fetchone()
        if row is None:
            return None
        organisation = open_file(self._path(row[0]), identity, self._clock, self._aside)
        self._open[identity] = organisation
        return organisation

    def _path(self, slug: str) -> Path:
        return self._folder / "orgs" / f"{slug}.db"

    def _new_id(self) -> int:
        """An id whose seven leading digits no other organisation here has."""
        taken = {row[0] // ID_SPACE for row in self.registry.execute("SELECT id FROM organisations")}
        prefix = FIRST_PREFIX
        while prefix in taken:
            prefix = 1_000_000 + secrets.randbelow(8_000_000)
        return prefix * ID_SPACE + known.ORGANISATION

    def _build(self, path: Path, identity: int, spec: OrganisationSpec, *, sample: bool) -> None:
        """Write a whole new file beside its place and then move it there, so that no half of one is ever seen."""
        partial = path.with_name(f"{path.name}.partial")
        _remove(partial)
        created = self._clock.now()
        documents = _documents(spec, identity, created)
        connection = connect(partial, create=True)
        partial.chmod(0o600)
        with _transaction(connection):
            _write_metadata(connection, documents)
        if sample:
            organisation = open_file(partial, identity, self._clock, self._aside)
            with _transaction(connection):
                populate(organisation, connection, created)
            organisation.store.close()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        _remove(path)
        partial.replace(path)
        _remove(partial)


def open_file(path: Path, identity: int, clock: Clock, aside: ThreadPoolExecutor) -> Organisation:
    metadata = _read_metadata(path)
    catalog = Catalog(metadata)
    zone = ZoneInfo(metadata.org["time_zone"])
    store = SqliteStore(path, catalog, identity // ID_SPACE, zone, clock, aside)
    return Organisation(identity, metadata, catalog, zone, store)


def _documents(spec: OrganisationSpec, identity: int, created: datetime) -> list[Document]:
    try:
        return blueprint(spec, identity // ID_SPACE, created, _numbers())
    except (ValueError, KeyError) as error:  # An unknown time zone is a KeyError.
        raise OrganisationInvalid(f"The organisation can't be made: {error.args[0]}.") from error


def _numbers() -> Callable[[], int]:
    """Local numbers for metadata, which records never meet."""
    following = iter(range(known.FIRST_NUMBER, known.FIRST_USER))
    return lambda: next(following)


def _write_metadata(connection: apsw.Connection, documents: list[Document]) -> None:
    for statement in statements(Catalog(Metadata(documents))):
        connection.execute(statement)
    encode = msgspec.json.Encoder().encode
    connection.executemany(
        "INSERT INTO metadata VALUES (NULL, ?, ?, ?, ?, ?)",
        [(d.id, d.kind, d.module, d.name, encode(d.body).decode()) for d in documents],
    )
    people = [d for d in documents if d.kind == "user"]
    connection.executemany(
        "INSERT INTO users VALUES (?, ?, ?, ?)",
        [(d.id, d.body["full_name"], d.body["email"], encode(shown(d)).decode()) for d in people],
    )
    connection.execute("INSERT INTO counters VALUES ('id', ?)", (known.FIRST_RECORD,))


def shown(user: Document) -> dict[str, str]:
    """How a user looks inside a record."""
    return {"name": user.body["full_name"], "id": str(user.id), "email": user.body["email"]}


def _read_metadata(path: Path) -> Metadata:
    connection = connect(path)
    rows: Any = connection.execute(
        "SELECT id, kind, module, name, body FROM metadata ORDER BY position"
    ).fetchall()
    connection.close()
    decode = msgspec.json.Decoder().decode
    return Metadata([Document(i, kind, module, name, decode(body)) for i, kind, module, name, body in rows])


def _identity_of(path: Path) -> int | None:
    try:
        found = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY).execute(
            "SELECT id FROM metadata WHERE kind = 'org'"
        )
        row = found.fetchone()
    except apsw.Error:
        return None
    return row[0] if row else None


def _copy(source: Path, target: Path) -> None:
    """Copy one database over another in a single transaction, both of which may be in use."""
    existed = target.exists()
    read = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
    write = apsw.Connection(str(target))
    write.set_busy_timeout(10_000)
    with write.backup("main", read, "main") as backup:
        backup.step(-1)
    write.close()
    read.close()
    if not existed:
        target.chmod(0o600)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _registry(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    path.chmod(0o600)
    connection.set_busy_timeout(10_000)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        """
        CREATE TABLE IF NOT EXISTS organisations (
            id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, created_at INTEGER NOT NULL,
            spec BLOB NOT NULL, sample INTEGER NOT NULL
        )
        """
    )
    return connection


def _row(identity: int, slug: str, name: str, created_at: int) -> OrganisationRow:
    return OrganisationRow(identity, slug, name, datetime.fromtimestamp(created_at, UTC))


@contextlib.contextmanager
def _transaction(connection: apsw.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
