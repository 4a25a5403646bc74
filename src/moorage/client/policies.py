"""Policies of keys: what each may do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict, cast
from urllib.parse import quote

from moorage.client.call import given

if TYPE_CHECKING:
    from moorage.client.client import Moorage


class Policy(TypedDict, total=False):
    """What a key may do. `mode` is open, cautious, strict or readonly. docs/policies.md explains the rest."""

    mode: str
    rules: list[dict[str, Any]]
    budgets: list[dict[str, Any]]
    needs_name: bool


class Tried(TypedDict):
    """What would be decided about a call: allow, ask or deny, and why. `rule` is None if the mode decided."""

    action: str
    reason: str
    rule: str | None
    operation: dict[str, Any]
    policy: Policy
    source: str
    connection_id: str
    budgets: list[dict[str, Any]]


class Policies:
    """The policies of keys: for all connections, or for one by its id or alias.

    Every method raises ApiError, Unreachable.
    """

    def __init__(self, client: "Moorage") -> None:
        self._client = client

    def get(self, key_id: str, *, connection: str | None = None) -> dict[str, Any]:
        """The policies of a key; with a connection, the one that holds for it, under `policy`."""
        return self._call("GET", key_id, connection)

    def set(self, key_id: str, policy: Policy, *, connection: str | None = None) -> dict[str, Any]:
        """Give a key a policy. No key can change its own."""
        return self._call("PUT", key_id, connection, policy)

    def delete(self, key_id: str, *, connection: str | None = None) -> dict[str, Any]:
        """Take a policy away."""
        return self._call("DELETE", key_id, connection)

    def attempt(
        self,
        app: str,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Sequence[str] = (),
        key_id: str | None = None,
        connection: str | None = None,
        policy: Policy | None = None,
    ) -> Tried:
        """What would be decided about a call. Nothing is sent. Without `key_id` it is a call of this client's key."""
        described = {"app": app, "method": method, "path": path, "headers": list(headers)}
        described |= given(body=body, key=key_id, connection=connection, policy=policy)
        return cast("Tried", self._client.request("POST", "/policies/try", json=described).json())

    def _call(
        self, method: str, key_id: str, connection: str | None, policy: Policy | None = None
    ) -> dict[str, Any]:
        params = None if connection is None else {"connection": connection}
        path = f"/keys/{quote(key_id, safe='')}/policy"
        answer = self._client.request(method, path, params=params, json=policy)
        return cast("dict[str, Any]", answer.json())
