"""The table of connections."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from msgspec.structs import asdict

from moorage.access import EVERYWHERE, Reach
from moorage.connections.labels import Labels
from moorage.connections.model import NO_FILTERS, Connection, Filters, Place, Status, Upstream
from moorage.storage import Transaction

connections = sa.Table(
    "connections",
    sa.MetaData(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text),
    sa.Column("app", sa.Text),
    sa.Column("method", sa.Text),
    sa.Column("status", sa.Text),
    sa.Column("creation_time", sa.BigInteger),
    sa.Column("last_updated_time", sa.BigInteger),
    sa.Column("generation", sa.Integer),
    sa.Column("metadata", sa.JSON),
    sa.Column("upstream", sa.JSON),
    sa.Column("asked_by", sa.Text),
    sa.Column("embedded", sa.Boolean),
    sa.Column("alias", sa.Text),
    # All tags, each between two spaces, so that one of them can be found by a comparison of text.
    sa.Column("tags", sa.Text),
    sa.Column("end_user", sa.Text),
    sa.Column("since", sa.BigInteger),
    sa.Column("return_url", sa.Text),
)
# The connections that were chosen for calls that name none. A chosen connection may have been deleted since.
defaults = sa.Table(
    "default_connections",
    sa.MetaData(),
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("app", sa.Text, primary_key=True),
    sa.Column("connection_id", sa.Text),
)
_KIND = connections.c.upstream["kind"].as_string()


async def add(
    tx: Transaction,
    connection_id: str,
    account_id: str,
    app: str,
    method: str,
    *,
    asked_by: str | None,
    embedded: bool,
    labels: Labels,
    return_url: str | None,
) -> None:
    values: dict[str, Any] = {
        "id": connection_id,
        "account_id": account_id,
        "app": app,
        "method": method,
        "status": "PENDING",
        "creation_time": tx.now,
        "last_updated_time": tx.now,
        "since": tx.now,
        "generation": 0,
        "metadata": {},
        "upstream": {},
        "asked_by": asked_by,
        "embedded": embedded,
        "return_url": return_url,
        **_label_values(labels),
    }
    await tx.connection.execute(connections.insert().values(values))


async def find(tx: Transaction, connection_id: str) -> Connection | None:
    row = (
        await tx.connection.execute(sa.select(connections).where(connections.c.id == connection_id))
    ).first()
    return _connection(row) if row else None


async def with_alias(tx: Transaction, account_id: str, alias: str, app: str | None) -> list[Connection]:
    """The account's connections with this alias, in the order of their apps; with `app`, at most one."""
    query = sa.select(connections).where(connections.c.account_id == account_id, connections.c.alias == alias)
    if app is not None:
        query = query.where(connections.c.app == app)
    return [_connection(row) for row in await tx.connection.execute(query.order_by(connections.c.app))]


async def search(
    tx: Transaction,
    account_id: str,
    filters: Filters = NO_FILTERS,
    *,
    limit: int | None = None,
    reach: Reach = EVERYWHERE,
    after: Place | None = None,
) -> list[Connection]:
    """The account's connections that match all filters, the oldest first; those behind a place in that order."""
    query = sa.select(connections).where(
        connections.c.account_id == account_id, *_within(reach), *_matching(filters)
    )
    if after is not None:
        created, id_ = after
        is_same = connections.c.creation_time == created
        query = query.where((connections.c.creation_time > created) | (is_same & (connections.c.id > id_)))
    query = query.order_by(connections.c.creation_time, connections.c.id).limit(limit)
    return [_connection(row) for row in await tx.connection.execute(query)]


async def aliases(tx: Transaction, account_id: str, reach: Reach) -> dict[str, str]:
    """The aliases of the account's connections that have one, by their ids."""
    columns = sa.select(connections.c.id, connections.c.alias)
    named = connections.c.account_id == account_id, connections.c.alias.is_not(None)
    return {row.id: row.alias for row in await tx.connection.execute(columns.where(*named, *_within(reach)))}


def _matching(filters: Filters) -> Iterator[sa.ColumnElement[bool]]:
    for name in ("app", "status", "method", "alias", "end_user"):
        value = getattr(filters, name)
        if value is not None:
            yield connections.c[name] == value
    for tag in filters.tags:
        yield connections.c.tags.contains(f" {tag} ", autoescape=True)


async def relabel(tx: Transaction, connection_id: str, labels: Labels) -> None:
    """Put other labels on a connection in place of those that it has."""
    has_id = connections.c.id == connection_id
    values = {"last_updated_time": tx.now, **_label_values(labels)}
    await tx.connection.execute(connections.update().where(has_id).values(values))


async def first(
    tx: Transaction, account_id: str, app: str, status: Status, reach: Reach
) -> Connection | None:
    """The oldest connection with this status that leads to an account outside; if there is none, the oldest of all."""
    query = sa.select(connections).where(
        connections.c.account_id == account_id,
        connections.c.app == app,
        connections.c.status == status,
        *_within(reach),
    )
    is_outside = sa.and_(_KIND.is_not(None), _KIND != "embedded")
    query = query.order_by(is_outside.desc(), connections.c.creation_time, connections.c.id)
    row = (await tx.connection.execute(query.limit(1))).first()
    return _connection(row) if row else None


async def chosen(tx: Transaction, account_id: str, app: str) -> str | None:
    """The id of the connection that was chosen for calls that name none. It may have been deleted since."""
    is_of_app = (defaults.c.account_id == account_id) & (defaults.c.app == app)
    row = (await tx.connection.execute(sa.select(defaults.c.connection_id).where(is_of_app))).first()
    return row.connection_id if row else None


async def choose(tx: Transaction, account_id: str, app: str, connection_id: str | None) -> None:
    """Store the choice for an app in place of an older one. None removes the choice."""
    is_of_app = (defaults.c.account_id == account_id) & (defaults.c.app == app)
    await tx.connection.execute(defaults.delete().where(is_of_app))
    if connection_id is not None:
        values = {"account_id": account_id, "app": app, "connection_id": connection_id}
        await tx.connection.execute(defaults.insert().values(values))


async def every(tx: Transaction) -> list[Connection]:
    """The connections of all accounts, the oldest first."""
    query = sa.select(connections).order_by(connections.c.creation_time, connections.c.id)
    return [_connection(row) for row in await tx.connection.execute(query)]


async def count(tx: Transaction) -> dict[tuple[str, ...], float]:
    """How many connections of all accounts there are, by app and status."""
    columns = connections.c.app, connections.c.status
    rows = await tx.connection.execute(sa.select(*columns, sa.func.count()).group_by(*columns))
    return {(app, status.lower()): number for app, status, number in rows}


async def activate(
    tx: Transaction, connection: Connection, upstream: Upstream, metadata: dict[str, Any]
) -> bool:
    """Make a connection ACTIVE. Does nothing and returns False if it was activated after it was read."""
    result = await tx.connection.execute(
        connections.update()
        .where(_unchanged(connection))
        .values(
            status="ACTIVE",
            last_updated_time=tx.now,
            since=tx.now,
            generation=connection.generation + 1,
            metadata=metadata,
            upstream=asdict(upstream),
        )
    )
    return result.rowcount == 1


async def fail(tx: Transaction, connection: Connection, metadata: dict[str, Any]) -> None:
    """Make a connection FAILED, unless it was activated after it was read."""
    since = connection.since if connection.status == "FAILED" else tx.now
    await tx.connection.execute(
        connections.update()
        .where(_unchanged(connection))
        .values(status="FAILED", last_updated_time=tx.now, since=since, metadata=metadata)
    )


async def mend(tx: Transaction, connection: Connection, metadata: dict[str, Any]) -> None:
    """Make a FAILED connection ACTIVE and leave its upstream, unless it was activated after it was read."""
    await tx.connection.execute(
        connections.update()
        .where(_unchanged(connection))
        .values(status="ACTIVE", last_updated_time=tx.now, since=tx.now, metadata=metadata)
    )


async def describe(tx: Transaction, connection: Connection, metadata: dict[str, Any]) -> None:
    """Give a connection other metadata, unless it was activated after it was read."""
    await tx.connection.execute(
        connections.update().where(_unchanged(connection)).values(last_updated_time=tx.now, metadata=metadata)
    )


async def move(tx: Transaction, connection: Connection, upstream: Upstream, metadata: dict[str, Any]) -> None:
    """Give a connection another upstream, unless it was activated after it was read."""
    await tx.connection.execute(
        connections.update()
        .where(_unchanged(connection))
        .values(last_updated_time=tx.now, metadata=metadata, upstream=asdict(upstream))
    )


async def unopened(
    tx: Transaction,
    until: int,
    spared: sa.Select[tuple[str]],
    *,
    account_id: str | None = None,
    app: str | None = None,
    reach: Reach = EVERYWHERE,
    limit: int | None = None,
) -> list[Connection]:
    """The connections that were never connected and have not changed after `until`, in microseconds; oldest first.

    `spared` selects the ids of connections that do not count. Without an account, those of all accounts.
    """
    never = connections.c.status.in_(("PENDING", "FAILED")) & (connections.c.generation == 0)
    old = never & (connections.c.last_updated_time <= until) & connections.c.id.not_in(spared)
    query = sa.select(connections).where(old, *_within(reach))
    if account_id is not None:
        query = query.where(connections.c.account_id == account_id)
    if app is not None:
        query = query.where(connections.c.app == app)
    query = query.order_by(connections.c.creation_time, connections.c.id).limit(limit)
    return [_connection(row) for row in await tx.connection.execute(query)]


async def remove(tx: Transaction, connection_id: str) -> bool:
    """Remove a connection. False if there is no connection with this id."""
    result = await tx.connection.execute(connections.delete().where(connections.c.id == connection_id))
    return result.rowcount == 1


def _within(reach: Reach) -> Iterator[sa.ColumnElement[bool]]:
    """The rule of `model.within`, in SQL."""
    if reach.apps is not None:
        yield connections.c.app.in_(reach.apps) | connections.c.id.in_(reach.connections)
    if reach.embedded_only:
        yield _KIND.is_(None) | (_KIND == "embedded")


def _unchanged(connection: Connection) -> sa.ColumnElement[bool]:
    """True for the connection if it was not activated after it was read, as each activation raises its generation."""
    return (connections.c.id == connection.id) & (connections.c.generation == connection.generation)


def _label_values(labels: Labels) -> dict[str, str | None]:
    tags = f" {' '.join(labels.tags)} " if labels.tags else None
    return {"alias": labels.alias, "tags": tags, "end_user": labels.end_user}


def _connection(row: Any) -> Connection:
    status: Status = row.status
    return Connection(
        id=row.id,
        account_id=row.account_id,
        app=row.app,
        method=row.method,
        status=status,
        created=row.creation_time,
        updated=row.last_updated_time,
        generation=row.generation,
        metadata=row.metadata,
        upstream=Upstream(**row.upstream) if row.upstream else None,
        asked_by=row.asked_by,
        embedded=bool(row.embedded),
        labels=Labels(row.alias, tuple((row.tags or "").split()), row.end_user),
        since=row.since,
        return_url=row.return_url,
    )
