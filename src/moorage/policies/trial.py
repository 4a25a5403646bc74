"""A call that is described, and decided without being sent."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from moorage.access import Reach
from moorage.connections.model import Connection
from moorage.http.errors import BodyInvalid, quoted
from moorage.keys.errors import ScopeMissing
from moorage.keys.model import Principal
from moorage.policies.documents import METHOD, operation_document, policy_document
from moorage.policies.errors import ConnectionNameRequired
from moorage.policies.guard import Guard
from moorage.policies.model import Budget, Verdict
from moorage.policies.service import Policies

TRY_EXAMPLE = '{"app": "zoho-crm", "method": "DELETE", "path": "/crm/v8/Leads/1"}'
KNOWN = ("app", "method", "path", "body", "headers", "key", "connection", "policy")
_HEADER = re.compile(r"[!-9;-~]{1,100}")  # Visible characters of ASCII but the colon.
_LONGEST_PATH = 16 * 1024


class Trial(msgspec.Struct, frozen=True):
    """A call as a program would send it. `body` is a text, or any other JSON, which is sent as such."""

    app: str
    method: str
    path: str
    body: Any = None
    headers: list[str] = []
    key: str | None = None
    connection: str | None = None
    policy: dict[str, Any] | None = None

    def document(self, guard: Guard, spent: Callable[[Guard, Budget], int]) -> Mapping[str, Any]:
        """What is decided. `spent` says how much of a budget is spent."""
        body = self.body
        if body is None:
            sent = b""
        else:
            sent = body.encode("utf-8", "replace") if isinstance(body, str) else msgspec.json.encode(body)
        names = tuple(name.encode("ascii") for name in self.headers)
        decision = guard.decide_whole(self.method.encode("ascii"), self.path.encode("utf-8"), sent, names)
        decided, policy = decision.verdict, guard.held.policy
        if not guard.principal.scopes.may_call(self.app):
            decided = Verdict("deny", ScopeMissing(f"proxy:{self.app}:read").message)
        document = policy_document(policy)
        return {
            "action": decided.action,
            "reason": decided.reason,
            "rule": decided.rule,
            "operation": operation_document(decision.operation),
            "policy": document,
            "budgets": [
                {**each, "spent": spent(guard, budget)}
                for each, budget in zip(document["budgets"], policy.budgets, strict=True)
            ],
        }


def trial_of(document: Mapping[str, Any]) -> Trial:
    """Raises BodyInvalid."""
    try:
        trial = msgspec.convert(document, Trial)
    except msgspec.ValidationError as error:
        raise BodyInvalid(f"{str(error).replace('$.', '')}.", help=f"Send {TRY_EXAMPLE}.") from None
    if not METHOD.fullmatch(trial.method):
        raise BodyInvalid(f"method can't be {quoted(trial.method)}.", help="Write it as GET or DELETE.")
    if not trial.path.startswith("/") or len(trial.path) > _LONGEST_PATH:
        raise BodyInvalid(
            f"path can't be {quoted(trial.path)}.",
            help="Write the app's own path, with its query, such as /crm/v8/Leads?ids=1.",
        )
    for name in trial.headers:
        if not _HEADER.fullmatch(name):
            raise BodyInvalid(
                f"headers can't have {quoted(name)}.", help="Send the names of the headers alone."
            )
    return trial


class Connections(Protocol):
    async def get(self, account_id: str, name: str, reach: Reach = ...) -> Connection: ...
    async def choose(self, account_id: str, app: str, name: str | None, reach: Reach = ...) -> Connection: ...
    async def names(self, account_id: str, app: str, reach: Reach = ...) -> list[str]: ...


class Trials:
    """Decides about described calls. `principal_of` takes the ids of an account and of a key.

    `app_of` takes the name of an app, and raises AppUnknown.
    """

    def __init__(
        self,
        policies: Policies,
        connections: Connections,
        principal_of: Callable[[str, str], Awaitable[Principal]],
        app_of: Callable[[str], object],
    ) -> None:
        self._policies = policies
        self._connections = connections
        self._principal_of = principal_of
        self._app_of = app_of

    async def attempt(
        self, account_id: str, described: Mapping[str, Any], caller: Principal | None
    ) -> Mapping[str, Any]:
        """What would be decided. Without a key in the description it is the caller's.

        Raises BodyInvalid, AppUnknown, PolicyInvalid, KeyUnknown, KeyInvalid, ConnectionNameRequired, and the errors of
        `choose`.
        """
        trial = trial_of(described)
        self._app_of(trial.app)
        principal = caller if trial.key is None else None
        key_id = (trial.key or "") if principal is None else principal.key_id
        _, policies = await self._policies.of_key(account_id, key_id)
        if principal is None:
            principal = await self._principal_of(account_id, key_id)
        policy = None if trial.policy is None else self._policies.parsed(trial.policy)
        needs_name = policies.needs_name if policy is None else policy.needs_name
        if needs_name and trial.connection is None:
            raise ConnectionNameRequired(
                await self._connections.names(account_id, trial.app, principal.reach)
            )
        connection = await self._connections.choose(account_id, trial.app, trial.connection, principal.reach)
        guard = await self._policies.guard_for(principal, connection, policy)
        source = self._policies.shown(policies, connection).source if policy is None else "tried"
        document = trial.document(guard, self._policies.spent)
        return {**document, "source": source, "connection_id": connection.id}
