"""What one key may do through one connection. Most calls are decided by a look at what was decided before."""

import re

import msgspec
from msgspec.structs import replace

from moorage.bounded import Bounded
from moorage.errors import MoorageError
from moorage.http.head import SAFE
from moorage.ids import without_ids
from moorage.keys.errors import ScopeMissing
from moorage.keys.model import Principal
from moorage.policies.app_operations import WEBSOCKET, opaque
from moorage.policies.classify import Classifier
from moorage.policies.errors import NobodyToAsk, PolicyDenied
from moorage.policies.model import Kind, Operation, Policy, Verdict
from moorage.policies.overrides import in_headers, in_target
from moorage.policies.spending import Purses
from moorage.policies.strictness import Held
from moorage.policies.verdict import by_mode, verdict

REMEMBERED = 1000  # Calls whose decision is remembered for each key and connection.
_LONGEST_REMEMBERED = 1024  # Bytes of a path and its query.


# Each is only equal to itself: the request log looks it up by itself, for each call.
class Decision(msgspec.Struct, frozen=True, eq=False):
    """What is decided about a call. `error` refuses it. If it `looks`, a look at the body may change the decision.

    If it `passes`, the call goes on at once after it was taken from the budgets.
    """

    operation: Operation
    verdict: Verdict
    error: MoorageError | None = None
    looks: bool = False
    passes: bool = False


class Guard:
    """`reads_only` if the scopes of the key don't let it write; this is independent of its policy.

    `known` has decisions about calls that were made before, by method and native path. Calls are taken
    from its `purse`, which is None without a budget.
    """

    __slots__ = (
        "_app",
        "_classifier",
        "_sees_ids",
        "held",
        "known",
        "policy",
        "principal",
        "purse",
        "reads_only",
    )  # fmt: skip

    def __init__(
        self,
        principal: Principal,
        app: str,
        held: Held,
        *,
        reads_only: bool,
        classifier: Classifier,
        purses: Purses,
    ) -> None:
        self.principal = principal
        self.held = held
        self.policy: Policy = classifier.adapted(app, held.policy)
        self.reads_only = reads_only
        self._app = app
        self._classifier = classifier
        self._sees_ids = any(_may_name_ids(rule.path) for rule in self.policy.rules if rule.path)
        self.purse = purses.purse(held.purse, self.policy.budgets)
        self.known = Bounded[tuple[bytes, bytes], Decision](REMEMBERED)

    def decide(self, method: bytes, native: bytes, *, overridden: bool, formless: bool = False) -> Decision:
        """The decision about a call whose body nobody has looked at.

        `overridden` if a header asks for another method, and `formless` if the body can't be a form.
        """
        if overridden:
            return self._decided(opaque(method.decode("latin-1")), reads=False)
        if formless:
            return self._look(method, native, None, formless=True)
        call = method, native
        decision = self.known.get(call) or self.known.get(call := (method, self._shape(native)))
        if decision is None:
            decision = self._look(method, native, None)
            if len(native) <= _LONGEST_REMEMBERED:
                self.known[call] = decision
        return decision

    def _shape(self, native: bytes) -> bytes:
        """The call without the ids in its path, if no rule cares about them: so most calls of a kind are one."""
        return native if self._sees_ids else without_ids(native)

    def decide_with(self, method: bytes, native: bytes, body: bytes) -> Decision:
        """The decision about a call after a look at its body."""
        return self._look(method, native, body)

    def decide_upgrade(self, native: bytes) -> Decision:
        """The decision about a WebSocket. What passes through it can't be looked at, so nobody can be asked."""
        decision = self._look(WEBSOCKET.encode(), native, b"")
        if decision.verdict.action == "ask":
            return replace(
                decision, error=NobodyToAsk(decision.verdict, decision.operation.name, "it is a WebSocket")
            )
        return decision

    def require_not_denied(
        self, method: bytes, native: bytes, body: bytes, headers: tuple[bytes, ...] = ()
    ) -> None:
        """Raises the error of a call that may not be made, also if a person has approved it."""
        error = self.decide_whole(method, native, body, headers).error
        if error is not None:
            raise error

    def decide_whole(
        self, method: bytes, native: bytes, body: bytes, headers: tuple[bytes, ...] = ()
    ) -> Decision:
        """The decision about a call all of which is known. `headers` has the names of its headers."""
        if in_headers(headers):
            return self.decide(method, native, overridden=True)
        return self.decide_with(method, native, body)

    def may_ever(self, kind: Kind) -> bool:
        """False if no call of this kind can pass, whatever it is about."""
        if kind != "read" and self.reads_only:
            return False
        rules = (rule for rule in self.policy.rules if rule.action != "deny")
        may_fit = any(rule.kinds is None or kind in rule.kinds for rule in rules)
        return may_fit or by_mode(self.policy.mode, kind) != "deny"

    def take(self, operation: Operation) -> None:
        """Take a call from the budgets. Raises BudgetExhausted."""
        if self.purse is not None:
            self.purse.take(operation.records)

    def _look(self, method: bytes, native: bytes, body: bytes | None, *, formless: bool = False) -> Decision:
        path, _, query = native.partition(b"?")
        operation = self._classifier.classify(
            self._app, method.decode("latin-1"), path, query, body, formless=formless
        )
        return self._decided(operation, reads=method in SAFE and not in_target(path, query))

    def _decided(self, operation: Operation, *, reads: bool) -> Decision:
        """`reads` is what the method alone says, for a key whose scopes let it only read."""
        policy = self.policy
        decided = verdict(policy, operation)
        if self.reads_only and not reads:
            missing = ScopeMissing(f"proxy:{self._app}")
            return Decision(operation, Verdict("deny", missing.message), missing)
        unsure = operation.unsure
        looks = (decided.action != "allow" and not unsure.isdisjoint(("kind", "modules"))) or (
            policy.counts_records and "records" in unsure
        )
        error = PolicyDenied(decided, operation.name) if decided.action == "deny" else None
        passes = decided.action == "allow" and not looks
        return Decision(operation, decided, error, looks, passes)


def _may_name_ids(path: str) -> bool:
    """True if the path of a rule may fit some ids and not others: if it has a segment of digits, or a part of one."""
    segments = [segment for segment in path.split("/")[1:] if segment not in {"*", "**"}]
    return any(not re.search(r"[^\d*]", segment) for segment in segments)
