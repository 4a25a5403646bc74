"""Which organisations there are, and what each was created from."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import sqlalchemy as sa

from moorage.crm.centres import HOME
from moorage.crm.metadata.standard import OrganisationSpec
from moorage.storage.database import Database, Transaction

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
)
# It outlives the organisation, so that no other organisation ever gets its id.
generations = sa.Table(
    "generations",
    _metadata,
    sa.Column("organisation", sa.BigInteger, primary_key=True),
    sa.Column("number", sa.Integer),
)
unfinished = sa.Table("unfinished", _metadata, sa.Column("slug", sa.Text, primary_key=True))

_columns = organisations.c
_rows = sa.select(_columns.id, _columns.slug, _columns.name, _columns.created_at, _columns.data_centre)
_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """What the registry knows; `id` is the organisation's id in the API."""

    id: int
    slug: str
    name: str
    created_at: datetime
    data_centre: str


class Registry:
    """The organisations of one CRM, for all processes that share it. All methods raise DatabaseUnusable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[OrganisationRow]:
        """Oldest first."""
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
        """The ids of all organisations, and those that deleted organisations had."""
        async with self._database.reading() as tx:
            return [row[0] for row in await tx.connection.execute(sa.select(generations.c.organisation))]

    async def made_from(self, identity: int) -> tuple[OrganisationSpec, bool]:
        """What the organisation was created from, and whether with sample records."""
        statement = sa.select(_columns.spec, _columns.sample).where(_columns.id == identity)
        async with self._database.reading() as tx:
            row = (await tx.connection.execute(statement)).first()
        return msgspec.json.decode(row.spec, type=OrganisationSpec), bool(row.sample)

    async def generations(self, identities: Collection[int]) -> Mapping[int, int]:
        """A number of each of these organisations that differs whenever it was made, restored or reset.

        An organisation that is not there any more has none.
        """
        number = sa.func.coalesce(generations.c.number, 0)
        joined = organisations.outerjoin(generations, generations.c.organisation == _columns.id)
        statement = sa.select(_columns.id, number).select_from(joined).where(_columns.id.in_(identities))
        async with self._database.reading() as tx:
            return {row[0]: row[1] for row in await tx.connection.execute(statement)}

    async def announce(self, identity: int) -> None:
        """Tell every process that the organisation is not what it was."""
        async with self._database.transaction() as tx:
            await _announce(tx, identity)

    async def begin(self, slug: str) -> None:
        """Note what is to be removed, should this process die before the organisation is added."""
        async with self._database.transaction() as tx:
            await _begin(tx, slug)

    async def add(self, row: OrganisationRow, spec: OrganisationSpec, *, sample: bool) -> None:
        values = {
            "id": row.id,
            "slug": row.slug,
            "name": row.name,
            "created_at": (row.created_at - _EPOCH) // _MICROSECOND,
            "spec": msgspec.json.encode(spec),
            "sample": int(sample),
            "data_centre": row.data_centre,
        }
        async with self._database.transaction() as tx:
            await tx.connection.execute(organisations.insert().values(values))
            await _announce(tx, row.id)
            await _finish(tx, row.slug)

    async def remove(self, row: OrganisationRow) -> None:
        """Forget the organisation, its clients and tokens; what holds its records is left to be removed."""
        async with self._database.transaction() as tx:
            await tx.connection.execute(organisations.delete().where(_columns.id == row.id))
            await _begin(tx, row.slug)

    async def unfinished(self) -> list[str]:
        """The organisations that are to be removed."""
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(sa.select(unfinished.c.slug).order_by(unfinished.c.slug))
        return [row[0] for row in rows]

    async def finish(self, slug: str) -> None:
        """The opposite of `begin`."""
        async with self._database.transaction() as tx:
            await _finish(tx, slug)


async def _announce(tx: Transaction, identity: int) -> None:
    """Transactions are serial, so no other process can add the row between these statements."""
    this_one = generations.c.organisation == identity
    rise = generations.update().where(this_one).values(number=generations.c.number + 1)
    if not (await tx.connection.execute(rise)).rowcount:
        await tx.connection.execute(generations.insert().values(organisation=identity, number=1))


async def _begin(tx: Transaction, slug: str) -> None:
    await _finish(tx, slug)
    await tx.connection.execute(unfinished.insert().values(slug=slug))


async def _finish(tx: Transaction, slug: str) -> None:
    await tx.connection.execute(unfinished.delete().where(unfinished.c.slug == slug))


def _row(row: sa.Row[tuple[int, str, str, int, str | None]]) -> OrganisationRow:
    created_at = _EPOCH + row.created_at * _MICROSECOND
    return OrganisationRow(row.id, row.slug, row.name, created_at, row.data_centre or HOME)
