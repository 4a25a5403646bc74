"""Guards for gateways without a database: the same policy for all keys."""

from moorage.clock import SystemClock
from moorage.policies import Classifier, Guard
from moorage.policies.model import OPEN
from moorage.policies.spending import Purses
from moorage.policies.strictness import Held


class Guards:
    def __init__(self, policy=OPEN, clock=None, overrides=None):
        self.policy, self.needs = policy, policy.needs_name
        self.classifier, self.purses = Classifier(overrides or {}), Purses(None, clock or SystemClock())

    async def guard_of(self, principal, connection):
        reads_only = not principal.scopes.may_write(connection.app, connection.id)
        if self.policy == OPEN and not reads_only:
            return None
        return Guard(
            principal, connection.app, Held(self.policy, "purse"), reads_only=reads_only,
            classifier=self.classifier, purses=self.purses,
        )  # fmt: skip

    async def needs_name(self, key_id):
        return self.needs
