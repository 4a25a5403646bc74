"""What a policy may answer to a call."""

from collections.abc import Sequence

from moorage.errors import MoorageError, whole_seconds
from moorage.keys.errors import RightsExceeded
from moorage.policies.model import Budget, Verdict


class PolicyDenied(MoorageError):
    """The policy of the key does not allow the call."""

    code = "policy_denied"

    def __init__(self, verdict: Verdict, operation: str) -> None:
        super().__init__(
            f"The policy of this key does not allow {_named(operation)}. {verdict.reason}",
            help="Nothing was sent. `moorage policy show` shows the policy. Who is in charge of it can change it.",
        )
        self.more = {"reason": verdict.reason, "rule": verdict.rule}


class NobodyToAsk(MoorageError):
    """The policy wants a person to approve the call, and the call can't wait for one."""

    code = "approval_required"

    def __init__(self, verdict: Verdict, operation: str, why: str) -> None:
        """`why` the call can't wait, as `its body is too long`."""
        super().__init__(
            f"The policy of this key wants a person to approve {_named(operation)}, and this call can't wait for one,"
            f" because {why}. {verdict.reason}",
            help="Nothing was sent. Use a key with another policy.",
        )
        self.more = {"reason": verdict.reason, "rule": verdict.rule}


class ApprovalTooLarge(MoorageError):
    """The call waits for a person, and its body is too long to be kept."""

    code = "approval_too_large"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"A person has to approve this call, and its body is longer than the {most} bytes that can wait.",
            help="Nothing was sent. Send less at once, or ask the operator for a larger MOORAGE_APPROVAL_BODY.",
        )


def _named(operation: str) -> str:
    """An operation in a sentence. One that no table has is named by its method alone."""
    return operation if " " in operation else f"this {operation}"


class BudgetExhausted(MoorageError):
    """The key has used up what its policy allows in this time. `retry_after` is in seconds."""

    code = "budget_exhausted"

    def __init__(self, budget: Budget, amount: int, retry_after: float) -> None:
        what = "calls" if budget.counts == "calls" else "changed records"
        too_much = f" This call alone may change {amount}." if amount > budget.most else ""
        super().__init__(
            f"The policy of this key allows {budget.most} {what} in {budget.per} seconds.{too_much}",
            help="Nothing was sent. Change fewer records in one call."
            if too_much
            else f"Nothing was sent. It begins anew in {whole_seconds(retry_after)} seconds, as Retry-After says.",
        )
        self.retry_after = retry_after
        self.more = {"counts": budget.counts, "most": budget.most, "per_seconds": budget.per}


class ConnectionNameRequired(MoorageError):
    """The policy of the key wants each call to name its connection."""

    code = "connection_name_required"

    def __init__(self, names: Sequence[str]) -> None:
        """`names` are those that the call could name."""
        list_of_names = f" There are: {', '.join(names)}." if names else ""
        super().__init__(
            "The policy of this key wants each call to name its connection.",
            help=f"Send Maton-Connection with the alias or the id of a connection.{list_of_names}",
        )


class PolicyInvalid(MoorageError):
    """A policy can't be used as it is."""

    code = "policy_invalid"


class PolicyLaxer(RightsExceeded):
    """A key that is held to a policy can't give a laxer one to a key, or get the secret of a key that has one."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"This key is held to a policy itself, so it can't {what}.",
            help="Use a key whose policy is open, or `moorage policy set` on the server.",
        )
