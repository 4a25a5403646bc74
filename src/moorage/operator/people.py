"""The people who sign in."""

from typing import TYPE_CHECKING

from moorage.rooms import Rooms

if TYPE_CHECKING:
    from moorage.people import Person, Role

# ruff: noqa: PLC0415 (a command loads only the rooms that it needs: loading all rooms takes three times as long)


class OperatorPeople:
    """The people who sign in, as `moorage people` offers them. `who` is an id or an e-mail address.

    Links are tokens for `welcome_url`.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def list(self) -> "list[Person]":
        return await self._rooms.people.list(await self._account())

    async def invite(self, email: str | None, name: str | None, role: "Role") -> "tuple[Person | None, str]":
        """A person and the token of their link. Without an address, whoever has the link says who they are.

        Raises PersonInvalid, PersonExists.
        """
        if email is None:
            return None, await self._rooms.people.invite_anybody(await self._account(), role)
        return await self._rooms.people.invite(await self._account(), email, name or email, role)

    async def entry(self, who: str | None) -> "tuple[Person | None, str]":
        """Who signs in by a new link on this machine, by default the first owner; and its token.

        Raises PersonUnknown.
        """
        return await self._rooms.entries.link(await self._account(), who)

    async def change_role(self, who: str, role: "Role") -> "Person":
        """Raises PersonUnknown, LastOwner."""
        return await self._rooms.people.change_role(await self._account(), await self._id(who), role)

    async def remove(self, who: str) -> "Person":
        """Raises PersonUnknown, LastOwner."""
        return await self._rooms.people.remove(await self._account(), await self._id(who))

    async def reset(self, who: str) -> "tuple[Person, str]":
        """Raises PersonUnknown."""
        return await self._rooms.people.reset(await self._account(), await self._id(who))

    async def _account(self) -> str:
        return await self._rooms.keys.first_account()

    async def _id(self, who: str) -> str:
        from moorage.near import did_you_mean
        from moorage.people.errors import PersonUnknown
        from moorage.people.model import as_stored

        ids = {person.email: person.id for person in await self.list()}
        wanted = as_stored(who)
        if wanted in ids:
            return ids[wanted]
        if wanted in ids.values():
            return wanted
        raise PersonUnknown(who, did_you_mean(wanted, [*ids, *ids.values()]))
