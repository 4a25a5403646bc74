"""The policies of keys."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from moorage.rooms import Rooms

if TYPE_CHECKING:
    from moorage.connections.model import Connection


class OperatorPolicies:
    """The policies of keys, as `moorage policy` offers them. `connection` is an id or alias, or None for all.

    Raises KeyUnknown, ConnectionUnknown, PolicyInvalid and BodyInvalid.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def show(self, key_id: str, connection: str | None) -> Mapping[str, Any]:
        account = await self._rooms.keys.first_account()
        return await self._rooms.policies.document(account, key_id, await self._named(account, connection))

    async def set(
        self, key_id: str, connection: str | None, policy: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        """Give the key a policy; with None, take it away."""
        account = await self._rooms.keys.first_account()
        named = await self._named(account, connection)
        if policy is None:
            await self._rooms.policies.delete(account, key_id, named, None)
        else:
            await self._rooms.policies.put(account, key_id, named, policy, None)
        return await self._rooms.policies.document(account, key_id, named)

    async def attempt(self, described: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._rooms.trials.attempt(await self._rooms.keys.first_account(), described, None)

    async def _named(self, account: str, connection: str | None) -> "Connection | None":
        return None if connection is None else await self._rooms.connections.get(account, connection)
