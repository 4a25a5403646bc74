"""What this room asks of rooms above it, which know more of a key: its policies, and the grant that it belongs to."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Protocol, TypeAlias

from moorage.keys.model import ApiKey, Principal
from moorage.storage import Transaction

# Of the keys with these ids, those that belong to OAuth grants, each with the document of its grant.
Grants: TypeAlias = Callable[[Transaction, Collection[str]], Awaitable[Mapping[str, Mapping[str, Any]]]]


class KeyPolicies(Protocol):
    """What the policies of keys say of new keys and new secrets. The room `policies` has it."""

    def is_open(self, document: Any) -> bool:
        """True if a policy limits its key in nothing."""

    async def of_keys(self, tx: Transaction, key_ids: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
        """The policies of keys for all connections, by key."""

    async def begin(self, tx: Transaction, key: ApiKey, document: Any, by: Principal | None) -> None:
        """Give a new key its policies. Raises a MoorageError if `by` may not."""

    async def require_no_laxer(self, tx: Transaction, key_id: str, by: Principal) -> None:
        """Raises a MoorageError if `by`, with a secret of this key, could do what it may not do itself."""
