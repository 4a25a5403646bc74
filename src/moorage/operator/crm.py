"""The embedded CRM's organisations and clients."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moorage.crm import Client, CrmService, OrganisationRow, User

# ruff: noqa: PLC0415 (a command loads only the rooms that it needs: loading all rooms takes three times as long)


class OperatorOrganisations:
    """The organisations of the embedded CRM, as `moorage crm org` offers them."""

    def __init__(self, crm: "CrmService") -> None:
        self._organisations = crm.organisations
        self._crm = crm
        self.list = self._organisations.list
        self.delete = self._organisations.delete
        self.restore = self._organisations.restore
        self.reset = self._organisations.reset
        self.check_move = self._organisations.check_move
        self.move = self._organisations.move

    async def create(
        self,
        slug: str,
        name: str,
        *,
        time_zone: str,
        data_centre: str,
        sample: bool,
        unique: tuple[str, ...],
    ) -> "OrganisationRow":
        from moorage.crm import NewOrganisation

        new = NewOrganisation(slug, name, time_zone, data_centre, sample, unique)
        return await new.create(self._organisations)

    async def users(self, slug: str | None) -> "list[User]":
        """The users who may sign in. Raises OrganisationUnknown."""
        return await self._crm.people.active_users((await self._organisations.choose(slug)).id)

    async def set_password(self, slug: str | None, email: str, password: str) -> str:
        """Give a user a password. Returns the e-mail address in the organisation's spelling.

        Raises OrganisationUnknown, UserUnknown, PasswordInvalid.
        """
        row = await self._organisations.choose(slug)
        async with self._organisations.witness.of("password_set", row.slug, user=email):
            return (await self._crm.people.set_password(row.id, email, password)).email

    async def take_back(self, slug: str | None, email: str) -> tuple[str, int]:
        """End the tokens that a user has given to programs: the user's e-mail address, and how many could be renewed.

        The gateway's own connections keep theirs. Raises OrganisationUnknown, UserUnknown.
        """
        from moorage.oauth.transport.embedded import CLIENT

        row = await self._organisations.choose(slug)
        user = await self._crm.people.user(row.id, email)
        async with self._organisations.witness.of("access_taken_back", row.slug, user=user.email):
            return user.email, await self._crm.clients.take_back(row.id, user.id, but=CLIENT)

    async def snapshot(self, slug: str, target: Path) -> None:
        await self._organisations.snapshot(slug, Path.cwd() / target)


class OperatorClients:
    """The clients of the embedded CRM's accounts server, as `moorage crm client` offers them."""

    def __init__(self, crm: "CrmService") -> None:
        self._crm = crm
        self._witness = crm.organisations.witness

    async def remove(self, client_id: str) -> "Client":
        """Delete a client and its tokens. Raises ClientNotFound."""
        client, slug = await self._client(client_id)
        async with self._witness.of("client_deleted", slug, client=client_id, name=client.name):
            return await self._crm.clients.remove(client_id)

    async def _client(self, client_id: str) -> "tuple[Client, str]":
        """A client, and the short name of its organisation. Raises ClientNotFound."""
        client = await self._crm.clients.find(client_id)
        row = await self._crm.organisations.registry.get(client.organisation)
        return client, row.slug if row is not None else str(client.organisation)

    async def create(
        self, slug: str | None, name: str, redirect_uris: tuple[str, ...], *, self_client: bool
    ) -> "tuple[Client, str]":
        """A new client and its secret. Raises OrganisationUnknown, ClientInvalid."""
        row = await self._crm.organisations.choose(slug)
        user = await self._crm.first_user(row)
        async with self._witness.of("client_created", row.slug, name=name):
            client = await self._crm.clients.register(
                name, row.id, user.id, redirect_uris, self_client=self_client
            )
        return client, self._crm.accounts.client_secret(client.client_id)

    async def list(self, slug: str | None) -> "list[tuple[Client, OrganisationRow]]":
        """The clients of an organisation, or of all of them, each with its organisation. Raises OrganisationUnknown."""
        organisations = self._crm.organisations
        rows = await organisations.list() if slug is None else [await organisations.find(slug)]
        by_id = {row.id: row for row in rows}
        return [
            (client, by_id[client.organisation])
            for client in await self._crm.clients.list()
            if client.organisation in by_id
        ]

    async def grant_code(self, client_id: str, scopes: str, minutes: int) -> str:
        """A grant code for a self client. Raises ClientNotFound, ClientInvalid, ScopesInvalid, CodesExhausted."""
        _, slug = await self._client(client_id)
        async with self._witness.of("code_made", slug, client=client_id, scopes=scopes, minutes=minutes):
            return await self._crm.clients.self_code(client_id, scopes, minutes * 60)
