"""The list of all organisations, and the specification from which each was created."""

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
# A row stays when its organisation is deleted, so that no other organisation ever gets the same id.
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
    """An organisation in the registry. `id` is its id in the API."""

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

    async def begin(self, slug: str) -> None:
        """Remember the files of a slug as unfinished, in case this process dies before the organisation is added."""
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
        """Delete an organisation with its clients and tokens. The files with its records are unfinished then."""
        async with self._database.transaction() as tx:
            await tx.connection.execute(organisations.delete().where(_columns.id == row.id))
            await _begin(tx, row.slug)

    async def unfinished(self) -> list[str]:
        """The slugs whose files have to be removed."""
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(sa.select(unfinished.c.slug).order_by(unfinished.c.slug))
        return [row[0] for row in rows]

    async def finish(self, slug: str) -> None:
        """The files of an organisation are removed."""
        async with self._database.transaction() as tx:
            await _finish(tx, slug)


async def _announce(tx: Transaction, identity: int) -> None:
    """Transactions are serial, so no other process can add the row between these statements."""
    is_organisation = generations.c.organisation == identity
    increase = generations.update().where(is_organisation).values(number=generations.c.number + 1)
    if not (await tx.connection.execute(increase)).rowcount:
        await tx.connection.execute(generations.insert().values(organisation=identity, number=1))


async def _begin(tx: Transaction, slug: str) -> None:
    await _finish(tx, slug)
    await tx.connection.execute(unfinished.insert().values(slug=slug))


async def _finish(tx: Transaction, slug: str) -> None:
    await tx.connection.execute(unfinished.delete().where(unfinished.c.slug == slug))


def _row(row: sa.Row[tuple[int, str, str, int, str | None]]) -> OrganisationRow:
    created_at = _EPOCH + row.created_at * _MICROSECOND
    return OrganisationRow(row.id, row.slug, row.name, created_at, row.data_centre or HOME)
