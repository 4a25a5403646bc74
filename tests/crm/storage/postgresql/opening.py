"""Organisations in PostgreSQL as processes have them."""

from moorage.crm.metadata.standard import DEMO
from moorage.crm.storage.contract.organisations import Place
from moorage.crm.storage.postgresql.schemas import PostgresqlSchemas
from moorage.crm.storage.postgresql.server import PostgresqlServer
from tests.contracts.opened import Opened
from tests.contracts.organisation_storage import ONE, documents

PLACE = Place("acme", ONE)


def make_one(url, clock, spec=DEMO):
    """Make the organisation."""
    with_process(url, clock, lambda storage: storage.make(PLACE, documents(ONE, spec), None))


def with_process(url, clock, work):
    """Do some work on organisations in a process of its own, and give what it gives."""
    server = PostgresqlServer(url)
    try:
        return work(PostgresqlSchemas(lambda _: server, clock))
    finally:
        server.close()


def two_processes(url, clock):
    """The storage as two processes have it, and what closes both."""
    servers = [PostgresqlServer(url) for _ in range(2)]
    yield [PostgresqlSchemas(lambda _, server=server: server, clock) for server in servers]
    for server in servers:
        server.close()


class Processes:
    """Opens the organisation as several processes do."""

    def __init__(self, url, clock) -> None:
        self.url = url
        self._clock = clock
        self._servers = []
        self._organisations = []

    def open(self, **settings):
        """Open the organisation in another process."""
        self._servers.append(PostgresqlServer(self.url, **settings))
        return self.reopen(self._servers[-1])

    def reopen(self, server):
        organisation = PostgresqlSchemas(lambda _: server, self._clock).open(PLACE)
        self._organisations.append(organisation)
        return Opened(organisation)

    def close(self):
        for organisation in self._organisations:
            organisation.store.close()
        for server in self._servers:
            server.close()
