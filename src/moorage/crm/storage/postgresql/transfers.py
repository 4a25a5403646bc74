"""Moves of organisations between PostgreSQL servers, behind the contract of `storage/contract/transfers.py`."""

import contextlib
from collections.abc import Iterator, Sequence

import psycopg
from psycopg import Connection

from moorage.crm.errors import OrganisationDamaged, OrganisationInvalid
from moorage.crm.storage.carried import copy_unchanged
from moorage.crm.storage.contract.records import StoreClosed, TookTooLong
from moorage.crm.storage.contract.transfers import Load, Report, Transfer
from moorage.crm.storage.postgresql import settling
from moorage.crm.storage.postgresql.moving import Move, MoveTooSlow
from moorage.crm.storage.postgresql.schema import schema_of
from moorage.crm.storage.postgresql.servers import PostgresqlServers
from moorage.settings.databases import MAIN
from moorage.storage.errors import DatabaseUnusable

# Of an organisation: about how many rows it has, and how many bytes on the disk.
_SIZE = """
    SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind = 'r'
"""
_TARGET = """
    SELECT current_setting('server_encoding'), has_database_privilege(current_database(), 'CREATE'),
        to_regnamespace(%s) IS NOT NULL
"""


class PostgresqlTransfers:
    """A `Transfers` between `servers`."""

    def __init__(self, servers: PostgresqlServers) -> None:
        self._of_name = servers

    @property
    def servers(self) -> Sequence[str | None]:
        return self._of_name.names

    def check(self, transfer: Transfer) -> tuple[int, int]:
        schema, target = schema_of(transfer.origin.identity), transfer.server or MAIN
        with self._connected(transfer) as (source, destination):
            [(encoding, may_create, is_taken)] = destination.execute(_TARGET, (schema,)).fetchall()
            [size] = source.execute(_SIZE, (schema,)).fetchall()
        if encoding != "UTF8":
            raise OrganisationInvalid(
                f"The database of the server {target!r} has the encoding {encoding}.",
                help="Make one with ENCODING 'UTF8'.",
            )
        if not may_create:
            raise OrganisationInvalid(
                f"The role may not make schemas in the database of the server {target!r}.",
                help="GRANT CREATE ON DATABASE to it.",
            )
        if is_taken:
            raise OrganisationInvalid(
                f"The database of the server {target!r} has a schema {schema} already.",
                help="Two servers may be the same database, or an older copy was left there. Remove what is not used.",
            )
        rows, size_in_bytes = size
        return rows, size_in_bytes

    def run(self, transfer: Transfer, report: Report) -> None:
        schema = schema_of(transfer.origin.identity)
        with self._connected(transfer) as (source, target):

            def copy() -> None:
                Move(source, target, schema, transfer.number, report).run()

            def begin_again() -> None:
                settling.remove_copy(target, schema, transfer.number)
                report("once more", 0, 0)

            try:
                copy_unchanged(copy, begin_again)
            except MoveTooSlow as error:
                raise OrganisationInvalid(
                    "More is written in the organisation than can be copied at the same time.",
                    help="Repeat the command at a time when less is written.",
                ) from error

    def is_done(self, transfer: Transfer) -> bool:
        schema = schema_of(transfer.origin.identity)
        with self._connected(transfer) as (source, target):
            if not settling.is_left(source, schema, transfer.number):
                return False
            if not settling.is_whole(target, schema, transfer.number):
                raise OrganisationDamaged(
                    f"The organisation {transfer.origin.slug!r} is on neither of the servers between which it moved.",
                    help=f"`moorage crm org restore {transfer.origin.slug} FILE` restores a snapshot.",
                )
        return True

    def remove_copy(self, transfer: Transfer) -> None:
        with self._connection(transfer.server, transfer) as target:
            settling.remove_copy(target, schema_of(transfer.origin.identity), transfer.number)

    def remove_original(self, transfer: Transfer) -> None:
        with self._connection(transfer.origin.server, transfer) as source:
            settling.remove_original(source, schema_of(transfer.origin.identity))

    def load(self, server: str | None) -> Load:
        return self._of_name.load(server)

    def roomiest(self) -> str | None:
        return self._of_name.roomiest()

    @contextlib.contextmanager
    def _connected(self, transfer: Transfer) -> Iterator[tuple[Connection, Connection]]:
        with (
            self._connection(transfer.origin.server, transfer) as source,
            self._connection(transfer.server, transfer) as target,
        ):
            yield source, target

    @contextlib.contextmanager
    def _connection(self, server: str | None, transfer: Transfer) -> Iterator[Connection]:
        """A connection. What is an error of a call elsewhere is one of the server here."""
        try:
            with self._of_name.of(server).lend(schema_of(transfer.origin.identity)) as connection:
                yield connection
        except (StoreClosed, TookTooLong) as error:
            raise DatabaseUnusable(
                f"The server {server or MAIN!r} gave up a step of the move.",
                help="Repeat the command.",
                kind="busy",
            ) from error
        except psycopg.Error as error:
            raise DatabaseUnusable(
                f"The server {server or MAIN!r} refused a step of the move: {error.diag.message_primary}.",
                help="Look at its log, and repeat the command.",
            ) from error
