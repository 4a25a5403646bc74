"""The keys that seal what a client keeps for the server while a person decides. All workers derive the same ones."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

PURPOSE = "states of tool calls"  # The purpose for which the keys are derived from the vault's key.
LIFETIME = 24 * 3600  # Seconds. A held call is known by its Idempotency-Key for so long.


class SealingKeys(msgspec.Struct, frozen=True):
    """`current` gives the key for new states, and `valid` that one and the earlier ones. Both raise VaultLocked."""

    current: Callable[[], bytes]
    valid: Callable[[], Awaitable[Sequence[bytes]]]
