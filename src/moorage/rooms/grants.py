"""Programs outside that people let act."""

from functools import cached_property
from typing import TYPE_CHECKING

from moorage.rooms.approvals import ApprovalRooms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import Route

    from moorage.connections.model import Connection
    from moorage.grants.clients import Clients
    from moorage.grants.issuing import Issuing
    from moorage.grants.resources import Resources
    from moorage.grants.service import Grants
    from moorage.oauth.transport.remote import RemoteTransport
    from moorage.people.persons import Persons

# ruff: noqa: PLC0415 (a service is loaded when it is first used)


class GrantRooms(ApprovalRooms):
    @cached_property
    def grants(self) -> "Grants":
        from moorage.grants.service import Grants

        return Grants(self.database, self.keys, self.clock)

    @cached_property
    def issuing(self) -> "Issuing":
        from moorage.grants.issuing import Issuing

        return Issuing(self.database, self.grants)

    @cached_property
    def resources(self) -> "Resources":
        from moorage.grants.resources import Resources

        return Resources(self.urls.gateway)

    @cached_property
    def internet(self) -> "RemoteTransport":
        """Calls to addresses that somebody else has chosen: never to one of this network."""
        from moorage.addresses import PUBLIC, Addresses
        from moorage.grants.documents import LONGEST_DOCUMENT
        from moorage.oauth.transport.remote import RemoteTransport

        return RemoteTransport(Addresses({PUBLIC}), LONGEST_DOCUMENT, self.proxies)

    @cached_property
    def grant_clients(self) -> "Clients":
        from moorage.grants.clients import REGISTRATIONS, REGISTRATIONS_OF_ALL, Clients
        from moorage.grants.documents import ClientDocuments
        from moorage.web.tries import Tries

        tries = Tries(most=REGISTRATIONS, most_of_all=REGISTRATIONS_OF_ALL)
        return Clients(self.database, ClientDocuments(self._document, self.clock), tries)

    async def _document(self, url: str) -> tuple[int, bytes]:
        """What is at a URL that a program has named. Raises Unreachable."""
        from moorage.grants.documents import Unreachable
        from moorage.oauth.transport.contract import HttpCall, Unanswered

        try:
            reply = await self.internet.send(HttpCall("GET", url))
        except Unanswered as error:
            raise Unreachable(f"{error}") from error
        return reply.status, reply.body

    async def _usable(self, account_id: str) -> "Sequence[Connection]":
        from moorage.connections.model import Filters

        return await self.connections.search(account_id, Filters(status="ACTIVE"))

    def grant_routes(self, persons: "Persons") -> "list[Route]":
        from moorage.grants.consent import ConsentPage
        from moorage.grants.programs import Programs
        from moorage.grants.routes import routes

        consent = ConsentPage(
            self.grants, self.grant_clients, self.resources, self._usable, self.sessions, self.clock
        )
        programs = Programs(self.grants, persons)
        return routes(self.issuing, self.grant_clients, self.resources, consent, programs)
