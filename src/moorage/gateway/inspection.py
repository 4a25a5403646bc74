"""A look at a call before any of it is sent: by the policy of its key, and by a person if the policy asks one."""

from abc import abstractmethod

from moorage.acting import Actor, acting
from moorage.approvals.model import HeldAnswer
from moorage.errors import MoorageError
from moorage.gateway.holding import AskedCall
from moorage.gateway.noted import NotedCall
from moorage.gateway.target import Target
from moorage.http.bodies import MAX_HELD, Allowance, Body, Budget
from moorage.logs import REQUEST_ID
from moorage.policies import Decision, Guard
from moorage.policies.errors import ApprovalTooLarge, NobodyToAsk
from moorage.policies.spending import Purse
from moorage.web.visitor import address_of

LONGEST = 1024 * 1024  # A longer body is not looked at. Its call is as bad as it may be.
# For bodies that are collected before they are looked at. It has an end, as nothing of them can be sent on meanwhile.
_COLLECTED = Allowance(1 << 62, Budget(MAX_HELD))


class InspectedExchange(NotedCall):
    """A call that its key's policy may refuse, look at, or let wait. Until that is decided, it has no `_target`."""

    __slots__ = ("_inspected",)

    # While the body is collected: the target, what decides about the call, and what is decided so far.
    _inspected: tuple[Target, Guard, Decision] | None

    @abstractmethod
    def _set_target(self, target: Target) -> None:
        """Send the call to its target, as it is decided that it may go on."""

    @abstractmethod
    def _continue(self) -> None:
        """Continue after a part of the request has arrived."""

    @abstractmethod
    def _answer(self, held: HeldAnswer) -> None:
        """Answer the caller, whose call is not sent now."""

    def _inspect(self, target: Target, guard: Guard) -> None:
        """Let the call go on, refuse it, or collect its body first."""
        method, caller = self.head.method, self._caller
        formless = method == b"POST" and caller.sends_no_form()
        overridden = caller.asks_for_another_method()
        decision = guard.decide(method, self.native, overridden=overridden, formless=formless)
        if decision.passes:
            self.decision = decision
            if guard.purse is None or self._may_spend(guard.purse, decision):
                self._set_target(target)
        elif decision.looks or decision.verdict.action == "ask":
            self._inspected = target, guard, decision
            if self._body is None:
                self._body = Body(_COLLECTED)
            else:
                self._body.move(_COLLECTED)
            self._protocol.want_body()
        else:
            self._end_inspection(target, guard, decision)

    def _may_spend(self, purse: Purse, decision: Decision) -> bool:
        """Take the call from the budgets, or refuse it."""
        try:
            purse.take(decision.operation.records)
        except MoorageError as error:
            self._refuse(error)
            return False
        return True

    def _look(self) -> None:
        """A part of the body has arrived, or all of it."""
        if self._inspected is None:
            return
        target, guard, decision = self._inspected
        body, holder = self._body, self._gateway.holder
        assert body is not None
        if self._complete and decision.looks and body.size <= LONGEST:
            decision = guard.decide_with(self.head.method, self.native, body.whole())
        most = LONGEST
        if holder is not None and decision.verdict.action == "ask":
            most = max(holder.max_body, LONGEST if decision.looks else 0)
        if self._complete or body.size > most:
            self._inspected = None
            self._end_inspection(target, guard, decision)

    def _end_inspection(self, target: Target, guard: Guard, decision: Decision) -> None:
        self.decision = decision
        try:
            self._require_allowed(decision)
            guard.take(decision.operation)
        except MoorageError as error:
            self._refuse(error)
            return
        if decision.verdict.action == "ask":
            self._task = self._protocol.start_task(self._hold(target, guard, decision))
        else:
            self._set_target(target)
            self._continue()

    def _require_allowed(self, decision: Decision) -> None:
        """Raises the error of a call that may neither go on nor wait."""
        if decision.error is not None:
            raise decision.error
        if decision.verdict.action != "ask":
            return
        holder = self._gateway.holder
        if holder is None:
            raise NobodyToAsk(decision.verdict, decision.operation.name, "nobody can be asked here")
        if self._body is not None and self._body.size > holder.max_body:
            raise ApprovalTooLarge(holder.max_body)

    async def _hold(self, target: Target, guard: Guard, decision: Decision) -> None:
        REQUEST_ID.set(self.request_id.decode())
        try:
            held = await self._held(target, guard, decision)
            self._task = None
            if not self._protocol.is_current(self):
                return
            if held is None:
                self._set_target(target)
                self._continue()
            else:
                self._answer(held)
        except MoorageError as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001 (`_fail` logs it and responds)
            self._fail(error)

    async def _held(self, target: Target, guard: Guard, decision: Decision) -> HeldAnswer | None:
        holder, body = self._gateway.holder, self._body
        assert holder is not None
        call = AskedCall(
            guard.principal,
            target.connection,
            self.head.method.decode("latin-1"),
            self.native,
            self._caller.forwarded,
            b"" if body is None else body.whole(),
            decision.operation,
            decision.verdict,
        )
        with acting(self._actor(guard)):
            return await holder.hold(call)

    def _actor(self, guard: Guard) -> Actor:
        """Who makes the call, and from where, for the audit."""
        principal, client = guard.principal, self._protocol.client
        forwarded = self.head.header(b"x-forwarded-for")
        address = (
            address_of(client[0], None if forwarded is None else forwarded.decode("latin-1"))
            if client
            else None
        )
        request_id = self.request_id.decode()
        return Actor(
            principal.kind, principal.key_id, principal.name, principal.account_id, address, request_id
        )
