"""The list of all organisations, and the specification from which each was created."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import msgspec
import sqlalchemy as sa

from moorage.crm.centres import HOME
from moorage.crm.metadata.standard import OrganisationSpec
from moorage.crm.organisations.waiting import waiting, wake
from moorage.crm.storage.contract.organisations import Place
from moorage.storage.database import Database, Transaction
from moorage.storage.upsert import upsert

_metadata = sa.MetaData()
organisations = sa.Table(
    "organisations",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("slug", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("created_at", sa.BigInteger),  # Microseconds since the epoch.
    sa.Column("spec", sa.LargeBinary),
    sa.Column("sample", sa.Integer),
    sa.Column("data_centre", sa.Text),
    sa.Column("server", sa.Text),  # The name of a server of the storage; null for the only one.
)
# A row stays when its organisation is deleted, so that no other organisation ever gets the same id.
generations = sa.Table(
    "generations",
    _metadata,
    sa.Column("organisation", sa.BigInteger, primary_key=True),
    sa.Column("number", sa.Integer),
)
# Places from which all is to be removed. `identity` is 0 for those that an older version wrote, `server` is "" for the
# only one.
unfinished = sa.Table(
    "unfinished",
    _metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("identity", sa.BigInteger, primary_key=True),
    sa.Column("server", sa.Text, primary_key=True),
)

_columns = organisations.c
_rows = sa.select(
    _columns.id, _columns.slug, _columns.name, _columns.created_at, _columns.data_centre, _columns.server
)
_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)


class OrganisationRow(msgspec.Struct, frozen=True):
    """An organisation in the registry. `id` is its id in the API. `server` is that of its place."""

    id: int
    slug: str
    name: str
    created_at: datetime
    data_centre: str
    server: str | None = None

    @property
    def place(self) -> Place:
        return Place(self.slug, self.id, self.server)


class Registry:
    """The organisations of one CRM, for all processes that share it. All methods raise DatabaseUnusable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[OrganisationRow]:
        """All organisations, the oldest first."""
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(_rows.order_by(_columns.created_at, _columns.id))
        return [_row(row) for row in rows]

    async def find(self, slug: str) -> OrganisationRow | None:
        return await self._row_where(_columns.slug == slug)

    async def get(self, identity: int) -> OrganisationRow | None:
        return await self._row_where(_columns.id == identity)

    async def _row_where(self, condition: sa.ColumnElement[bool]) -> OrganisationRow | None:
        async with self._database.reading() as tx:
            row = (await tx.connection.execute(_rows.where(condition))).first()
        return _row(row) if row else None

    async def used_ids(self) -> list[int]:
        """The ids of all organisations, the deleted organisations included."""
        async with self._database.reading() as tx:
            return [row[0] for row in await tx.connection.execute(sa.select(generations.c.organisation))]

    async def made_from(self, identity: int) -> tuple[OrganisationSpec, bool]:
        """The specification of an organisation, and True if it was created with sample records."""
        statement = sa.select(_columns.spec, _columns.sample).where(_columns.id == identity)
        async with self._database.reading() as tx:
            row = (await tx.connection.execute(statement)).first()
        return msgspec.json.decode(row.spec, type=OrganisationSpec), bool(row.sample)

    async def generations(self, identities: Collection[int]) -> Mapping[int, int]:
        """A number for each of these organisations. It changes whenever the organisation is restored or reset.

        A deleted organisation has no number.
        """
        number = sa.func.coalesce(generations.c.number, 0)
        joined = organisations.outerjoin(generations, generations.c.organisation == _columns.id)
        statement = sa.select(_columns.id, number).select_from(joined).where(_columns.id.in_(identities))
        async with self._database.reading() as tx:
            return {row[0]: row[1] for row in await tx.connection.execute(statement)}

    async def announce(self, identity: int) -> None:
        """Tell every process that an organisation was created, restored or reset."""
        async with self._database.transaction() as tx:
            await _announce(tx, identity)

    async def begin(self, place: Place) -> None:
        """Remember a place as unfinished, in case this process dies before the organisation is added."""
        async with self._database.transaction() as tx:
            await _begin(tx, place)

    def writing(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction for several calls."""
        return self._database.transaction()

    async def add(self, row: OrganisationRow, spec: OrganisationSpec, *, sample: bool) -> None:
        async with self.writing() as tx:
            await self.add_in(tx, row, spec, sample=sample)

    async def add_in(
        self, tx: Transaction, row: OrganisationRow, spec: OrganisationSpec, *, sample: bool
    ) -> None:
        """`add` as a part of an open transaction."""
        values = {
            "id": row.id,
            "slug": row.slug,
            "name": row.name,
            "created_at": (row.created_at - _EPOCH) // _MICROSECOND,
            "spec": msgspec.json.encode(spec),
            "sample": int(sample),
            "data_centre": row.data_centre,
            "server": row.server,
        }
        await tx.connection.execute(organisations.insert().values(values))
        await _announce(tx, row.id)
        await _finish(tx, row.place)

    async def finish_in(self, tx: Transaction, place: Place) -> bool:
        """`finish` as a part of an open transaction. False if the place is not unfinished any more."""
        return await _finish(tx, place)

    async def remove(self, row: OrganisationRow) -> None:
        """Delete an organisation with its clients and tokens. Its place is unfinished then."""
        async with self._database.transaction() as tx:
            await tx.connection.execute(organisations.delete().where(_columns.id == row.id))
            await tx.connection.execute(waiting.delete().where(waiting.c.organisation == row.id))
            await _begin(tx, row.place)

    async def unfinished(self) -> list[Place]:
        """The places from which all has to be removed."""
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(sa.select(unfinished).order_by(unfinished.c.slug))
        return [Place(row.slug, row.identity, row.server or None) for row in rows]

    async def finish(self, place: Place) -> None:
        """All is removed from a place."""
        async with self._database.transaction() as tx:
            await _finish(tx, place)


async def relocate(tx: Transaction, place: Place) -> None:
    """Let every process find an organisation on the server of this place."""
    is_organisation = _columns.id == place.identity
    await tx.connection.execute(organisations.update().where(is_organisation).values(server=place.server))
    await _announce(tx, place.identity)


async def _announce(tx: Transaction, identity: int) -> None:
    await tx.connection.execute(upsert(generations, {"organisation": identity}, {}, added={"number": 1}))
    await wake(tx, identity)  # There may be events in what was restored, or has arrived.


async def _begin(tx: Transaction, place: Place) -> None:
    await tx.connection.execute(upsert(unfinished, _key(place), {}))


async def _finish(tx: Transaction, place: Place) -> bool:
    is_place = [unfinished.c[name] == value for name, value in _key(place).items()]
    return bool((await tx.connection.execute(unfinished.delete().where(*is_place))).rowcount)


def _key(place: Place) -> dict[str, str | int]:
    return {"slug": place.slug, "identity": place.identity, "server": place.server or ""}


def _row(row: sa.Row[tuple[int, str, str, int, str | None, str | None]]) -> OrganisationRow:
    created_at = _EPOCH + row.created_at * _MICROSECOND
    return OrganisationRow(row.id, row.slug, row.name, created_at, row.data_centre or HOME, row.server)
