"""Compares policies: so that no key gets around its own by another key."""

from collections.abc import Mapping

import msgspec

from moorage.policies.model import MODES, OPEN, Policy


class Held(msgspec.Struct, frozen=True):
    """A policy, and the purse that its budgets are taken from. Keys with the same purse share what it has."""

    policy: Policy
    purse: str


EVERY = ""  # In place of a connection: the policy for all connections that have none of their own.


class PolicySet(msgspec.Struct, frozen=True):
    """The policies of a key, by connection. Without any, the environment of a connection decides."""

    of: Mapping[str, Held]

    def held(self, connection_id: str) -> Held | None:
        """The policy for a connection; None if its environment decides."""
        return self.of.get(connection_id) or self.of.get(EVERY)

    @property
    def needs_name(self) -> bool:
        every = self.of.get(EVERY)
        return every is not None and every.policy.needs_name


def is_laxer(keys: PolicySet, than: PolicySet, strictest_default: Policy) -> bool:
    """True if the first may allow anything that the second does not. In doubt it does.

    `strictest_default` is the strictest policy that an environment may bring.
    """
    connections = {*keys.of, *than.of, EVERY}
    return any(
        _is_laxer(keys.held(connection), than.held(connection), strictest_default)
        for connection in connections
    )


def _is_laxer(new: Held | None, own: Held | None, strictest_default: Policy) -> bool:
    if new == own:
        return False
    own_policy = strictest_default if own is None else own.policy
    new_policy = OPEN if new is None else new.policy
    if own_policy == OPEN:
        return False
    if own_policy.rules or own_policy.budgets or (own_policy.needs_name and not new_policy.needs_name):
        return True
    if MODES.index(new_policy.mode) < MODES.index(own_policy.mode):
        return True
    # A rule of the new policy may not say less than the mode of the own one.
    lax = {"allow", "ask"} if own_policy.mode == "readonly" else {"allow"}
    return any(rule.action in lax for rule in new_policy.rules)
