"""Keeps the policies of keys, and says what a key may do through a connection."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from moorage.audit import note
from moorage.bounded import Bounded
from moorage.connections.model import Connection, Environment
from moorage.keys import store as key_store
from moorage.keys.errors import KeyUnknown, RightsExceeded
from moorage.keys.model import ApiKey, Principal
from moorage.logs import Log
from moorage.policies import store
from moorage.policies.classify import Classifier
from moorage.policies.documents import policy_document, policy_of, spending_document
from moorage.policies.errors import PolicyInvalid, PolicyLaxer
from moorage.policies.guard import Guard
from moorage.policies.model import OPEN, READS, Budget, Policy
from moorage.policies.spending import Purses
from moorage.policies.strictness import EVERY, Held, PolicySet, is_laxer
from moorage.storage import Database, Transaction

CACHE_SIZE = 10_000

log = Log(__name__)


class Shown(msgspec.Struct, frozen=True):
    """A policy as it holds for a connection, or for all. `source` says where it comes from."""

    policy: Policy
    source: str


class Policies:
    """The policies of all keys. A change is noticed by other processes as a change of a key is.

    `purses` has what is spent of their budgets. `live` is the policy for live accounts of keys that have none.
    """

    def __init__(
        self,
        database: Database,
        classifier: Classifier,
        purses: Purses,
        environment: Callable[[Connection], Environment],
        live: Policy,
    ) -> None:
        self.classifier = classifier
        self._database = database
        self._purses = purses
        self._environment = environment
        self._defaults: dict[Environment, Policy] = {"embedded": OPEN, "sandbox": OPEN, "live": live}
        self._sets = Bounded[str, PolicySet](CACHE_SIZE)
        self._guards = Bounded[tuple[Any, ...], Guard](CACHE_SIZE)
        self._generation = 0

    def use(self, live: Policy) -> None:
        """Use another policy for live accounts of keys that have none. What was decided is forgotten."""
        self._defaults["live"] = live
        self.clear()

    def clear(self) -> None:
        """Forget all remembered policies, because policies may have changed."""
        self._generation += 1
        self._sets.clear()
        self._guards.clear()

    # For calls.

    async def guard_of(self, principal: Principal, connection: Connection) -> Guard | None:
        """What decides about the calls of a key through a connection. None if it may make all calls."""
        reads_only = not principal.scopes.may_write(connection.app, connection.id)
        held = await self._held_by(principal, connection)
        if not reads_only and held.policy == OPEN:
            return None
        key = (principal, connection.id, connection.generation, held)
        guard = self._guards.get(key)
        if guard is None:
            generation = self._generation
            guard = self._guard(principal, connection, held)
            if generation == self._generation:
                self._guards[key] = guard
        return guard

    async def needs_name(self, key_id: str) -> bool:
        """True if each call of the key has to name its connection."""
        return (await self._set_of(key_id)).needs_name

    async def guard_for(self, principal: Principal, connection: Connection, policy: Policy | None) -> Guard:
        """As `guard_of`, but also for keys that may make all calls; with a `policy`, as if that were the key's."""
        held = await self._held_by(principal, connection)
        return self._guard(principal, connection, held if policy is None else Held(policy, held.purse))

    def _guard(self, principal: Principal, connection: Connection, held: Held) -> Guard:
        return Guard(
            principal,
            connection.app,
            held,
            reads_only=not principal.scopes.may_write(connection.app, connection.id),
            classifier=self.classifier,
            purses=self._purses,
        )

    async def _held_by(self, principal: Principal, connection: Connection) -> Held:
        """What holds for a caller. People decide about calls, so no policy holds for theirs; but some may only read."""
        if principal.kind == "person":
            return Held(READS if principal.reads_only else OPEN, EVERY)
        return self._held(await self._set_of(principal.key_id), connection)

    def _held(self, policies: PolicySet, connection: Connection) -> Held:
        held = policies.held(connection.id)
        return held if held is not None else Held(self._defaults[self._environment(connection)], EVERY)

    async def _set_of(self, key_id: str) -> PolicySet:
        policies = self._sets.get(key_id)
        if policies is None:
            generation = self._generation
            async with self._database.reading() as tx:
                policies = await _set_in(tx, key_id)
                for held in policies.of.values():
                    await self._purses.load(tx, held.purse, held.policy.budgets)
            if generation == self._generation:
                self._sets[key_id] = policies
        return policies

    def spent(self, guard: Guard, budget: Budget) -> int:
        """How much of a budget is spent, as far as this process knows."""
        return self._purses.spent(guard.held.purse, budget)

    # For those in charge of keys.

    async def of_key(self, account_id: str, key_id: str) -> tuple[ApiKey, PolicySet]:
        """Raises KeyUnknown."""
        async with self._database.reading() as tx:
            return await _key(tx, account_id, key_id), await _set_in(tx, key_id)

    def shown(self, policies: PolicySet, connection: Connection) -> Shown:
        """The policy that holds for a connection."""
        source = (
            "connection"
            if connection.id in policies.of
            else "key"
            if policies.of.get(EVERY)
            else "environment"
        )
        return Shown(self._held(policies, connection).policy, source)

    async def document(
        self, account_id: str, key_id: str, connection: Connection | None
    ) -> Mapping[str, Any]:
        """The policy that holds for a connection; without one, all policies of the key. Raises KeyUnknown."""
        _, policies = await self.of_key(account_id, key_id)
        if connection is not None:
            shown = self.shown(policies, connection)
            named = {"key_id": key_id, "connection_id": connection.id}
            return {**named, "policy": policy_document(shown.policy), "source": shown.source}
        documents = {slot: policy_document(held.policy) for slot, held in policies.of.items()}
        return {
            "key_id": key_id,
            "policy": documents.pop(EVERY, None),  # None: the environment of a connection decides.
            "connections": documents,
            "defaults": {environment: policy.mode for environment, policy in self._defaults.items()},
        }

    async def spending(self, account_id: str) -> list[dict[str, Any]]:
        """What is spent of the budgets of an account's keys, in the present span of each."""
        async with self._database.reading() as tx:
            keys = [key.id for key in await key_store.all_keys(tx, account_id)]
            rows = await store.with_keys(tx, keys)
            spent = await store.spent(tx, {purse for _, _, _, purse in rows})
            now = tx.now // 1_000_000
        return [
            {"key_id": key_id, "connection_id": slot or None}
            | spending_document(budget, spent.get((purse, budget.counts, budget.per), (0, 0)), now)
            for key_id, slot, document, purse in rows
            for budget in policy_of(document).budgets
        ]

    def parsed(self, document: Any) -> Policy:
        """Raises PolicyInvalid."""
        return policy_of(document, self.classifier.names)

    async def put(
        self, account_id: str, key_id: str, connection: Connection | None, document: Any, by: Principal | None
    ) -> Policy:
        """Give a key a policy. Raises KeyUnknown, PolicyInvalid, ScopeMissing, RightsExceeded and PolicyLaxer."""
        policy, slot = self.parsed(document), _slot(connection)
        if policy.needs_name and slot != EVERY:
            raise PolicyInvalid(
                "needs_name belongs to the policy for all connections of a key.",
                help="Leave it out here, and set it without a connection.",
            )
        held = Held(policy, f"{key_id} {slot}".strip())
        async with self._database.transaction() as tx:
            before = await self._changeable(tx, account_id, key_id, by)
            await self._require_no_laxer(
                tx, PolicySet({**before.of, slot: held}), by, "give a key a laxer one"
            )
            await store.put(tx, key_id, slot, policy_document(policy), held.purse)
            await _note_change(tx, account_id, key_id, slot, before, policy)
        self.clear()
        log.info("policy.changed", key=key_id, connection=slot or None, mode=policy.mode)
        return policy

    async def delete(
        self, account_id: str, key_id: str, connection: Connection | None, by: Principal | None
    ) -> None:
        """Take a policy away. It is no error if there is none. Raises as `put`."""
        slot = _slot(connection)
        async with self._database.transaction() as tx:
            before = await self._changeable(tx, account_id, key_id, by)
            left = PolicySet({name: held for name, held in before.of.items() if name != slot})
            await self._require_no_laxer(tx, left, by, "take a policy away")
            if slot in before.of:
                await store.delete(tx, key_id, slot)
                await _note_change(tx, account_id, key_id, slot, before, None)
        self.clear()
        log.info("policy.deleted", key=key_id, connection=slot or None)

    async def _changeable(
        self, tx: Transaction, account_id: str, key_id: str, by: Principal | None
    ) -> PolicySet:
        key = await _key(tx, account_id, key_id)
        if by is not None and by.key_id == key_id:
            raise RightsExceeded(
                "A key can't change its own policy.",
                help="Use another key with policies:write, or `moorage policy set` on the server.",
            )
        if by is not None:  # Else it could make a stronger key useless, such as the owner's.
            by.require_no_less_than(key, to="change the policy of")
        return await _set_in(tx, key_id)

    # For new keys and secrets (`keys.contract.KeyPolicies`).

    async def begin(self, tx: Transaction, key: ApiKey, document: Any, by: Principal | None) -> None:
        """Give a new key its policies: those of the key that makes it, and what `document` says of all connections.

        Raises PolicyInvalid, ScopeMissing and PolicyLaxer.
        """
        own = PolicySet({}) if by is None else await _set_in(tx, by.key_id)
        policies = dict(own.of)
        if document is not None:
            if by is not None:
                by.require("policies:write")
            policies = {EVERY: Held(self.parsed(document), key.id)}
            await self._require_no_laxer(tx, PolicySet(policies), by, "make a key with a laxer one")
        for slot, held in policies.items():
            await store.put(tx, key.id, slot, policy_document(held.policy), held.purse)
            await _note_change(tx, key.account_id, key.id, slot, PolicySet({}), held.policy)

    def is_open(self, document: Any) -> bool:
        """True if the policy of a new key limits it in nothing. Raises PolicyInvalid."""
        return self.parsed(document) == OPEN

    async def of_keys(self, tx: Transaction, key_ids: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
        """The policies of keys for all connections, as documents, by key. Those without one are missing."""
        documents = await store.of_keys(tx, key_ids, EVERY)
        return {key_id: policy_document(policy_of(document)) for key_id, document in documents.items()}

    async def require_no_laxer(self, tx: Transaction, key_id: str, by: Principal) -> None:
        """Raises PolicyLaxer if the key may do what the caller may not: a secret of it would be a way around."""
        if key_id != by.key_id:
            policies = await _set_in(tx, key_id)
            await self._require_no_laxer(tx, policies, by, "get the secret of a key that has a laxer one")

    async def _require_no_laxer(
        self, tx: Transaction, policies: PolicySet, by: Principal | None, what: str
    ) -> None:
        """A person decides about policies, and none limits them."""
        if by is None or by.kind == "person":
            return
        if is_laxer(policies, await _set_in(tx, by.key_id), self._defaults["live"]):
            raise PolicyLaxer(what)


def _slot(connection: Connection | None) -> str:
    return EVERY if connection is None else connection.id


async def _key(tx: Transaction, account_id: str, key_id: str) -> ApiKey:
    key = await key_store.key_of_id(tx, account_id, key_id)
    if key is None:
        raise KeyUnknown(key_id)
    return key


async def _set_in(tx: Transaction, key_id: str) -> PolicySet:
    rows = await store.of_key(tx, key_id)
    return PolicySet({slot: Held(policy_of(document), purse) for slot, (document, purse) in rows.items()})


async def _note_change(
    tx: Transaction, account_id: str, key_id: str, slot: str, before: PolicySet, after: Policy | None
) -> None:
    old = before.of.get(slot)
    documents: Mapping[str, Any] = {
        "before": None if old is None else _audited(slot, old.policy),
        "after": None if after is None else _audited(slot, after),
    }
    action = "policy.deleted" if after is None else "policy.changed"
    await note(tx, action, key_id, account=account_id, **documents)


def _audited(slot: str, policy: Policy) -> dict[str, Any]:
    return {"connection": slot or None, **policy_document(policy)}
