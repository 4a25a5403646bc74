"""People who sign in with a browser."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from moorage.rooms.connecting import ConnectingRooms

if TYPE_CHECKING:
    from moorage.access import Principal
    from moorage.people.elsewhere import Admission
    from moorage.people.elsewhere_pages import Elsewhere
    from moorage.people.entry import Entries
    from moorage.people.second_factor import SecondFactors
    from moorage.people.service import People
    from moorage.people.sessions import PersonSessions
    from moorage.people.sign_in import SignIn
    from moorage.requests.model import Names
    from moorage.web.passwords import Passwords
    from moorage.web.tries import Tries

# ruff: noqa: PLC0415 (a service is loaded when it is first used)


class PeopleRooms(ConnectingRooms):
    async def names(self, caller: "Principal") -> "Names":
        """As of a connecting room, and the people who make calls in the console."""
        from moorage.requests.model import Names

        names = await super().names(caller)
        return Names({**names.keys, **await self.people.names(caller.account_id)}, names.connections)

    @cached_property
    def passwords(self) -> "Passwords":
        from moorage.web.passwords import Passwords

        return Passwords("person-password")

    @cached_property
    def people(self) -> "People":
        from moorage.people.service import People

        return People(self.database, self.passwords, self.vault)

    @cached_property
    def entries(self) -> "Entries":
        """Links by which somebody at this machine signs in."""
        from moorage.people.entry import Entries

        return Entries(self.database)

    @cached_property
    def tries(self) -> "Tries":
        """The tries to sign in."""
        from moorage.web.tries import Tries

        return Tries()

    @cached_property
    def sign_in(self) -> "SignIn":
        from moorage.people.sign_in import SignIn

        return SignIn(self.database, self.passwords, self.tries)

    @cached_property
    def elsewhere(self) -> "Elsewhere | None":
        """Signing in at an issuer; None if the settings name none."""
        settings = self.settings
        if settings.oidc_issuer is None or settings.oidc_client_secret is None:
            return None
        from moorage.people.elsewhere import SignInElsewhere
        from moorage.people.elsewhere_pages import Elsewhere
        from moorage.people.issuer import Client, Issuer

        secret = settings.oidc_client_secret.reveal()
        client = Client(settings.oidc_issuer, settings.oidc_client_id, secret)
        issuer = Issuer(client, self._fetch, self.clock)
        sign_in = SignInElsewhere(
            self.database, self.vault, issuer, self.tries, self.clock, self.urls.gateway
        )
        return Elsewhere(sign_in, self._admission)

    async def _admission(self) -> "Admission":
        from moorage.people.elsewhere import Admission

        settings = self.settings
        return Admission(await self.keys.first_account(), settings.oidc_allow, settings.oidc_role)

    async def _fetch(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        """A request to an issuer. Raises IssuerFailed."""
        from moorage.oauth.transport.contract import HttpCall, Unanswered
        from moorage.people.errors import IssuerFailed

        try:
            reply = await self.outside.send(HttpCall(method, url, headers, body))
        except Unanswered as error:
            raise IssuerFailed(f"{error}".rstrip(".")) from error
        return reply.status, reply.body

    @cached_property
    def second_factors(self) -> "SecondFactors":
        from moorage.people.second_factor import MOST_WRONG, MOST_WRONG_OF_ALL, SecondFactors
        from moorage.web.tries import Tries

        tries = Tries(most=MOST_WRONG, most_of_all=MOST_WRONG_OF_ALL)
        return SecondFactors(self.database, self.vault, tries)

    @cached_property
    def sessions(self) -> "PersonSessions":
        from moorage.people.sessions import PersonSessions

        return PersonSessions(self.database, self.urls.gateway)
