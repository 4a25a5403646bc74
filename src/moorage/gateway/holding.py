"""What the gateway needs to let a call wait for a person. The room `approvals` has it."""

from dataclasses import dataclass, field
from typing import Protocol

from moorage.approvals.model import HeldAnswer
from moorage.connections.model import Connection
from moorage.http.message import Headers
from moorage.keys.model import Principal
from moorage.policies import Operation, Verdict


@dataclass(frozen=True, slots=True)
class AskedCall:
    """A whole call that a person has to approve. `native` is what follows the app's name, with the query.

    `headers` are those that go on to the app. Neither the caller's key nor a token is among them.
    """

    principal: Principal
    connection: Connection
    method: str
    native: bytes = field(repr=False)
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    operation: Operation
    verdict: Verdict


class Holder(Protocol):
    """Lets calls wait for a person. A call whose body has more than `max_body` bytes can't wait."""

    @property
    def max_body(self) -> int: ...

    async def hold(self, call: AskedCall) -> HeldAnswer | None:
        """The answer for the caller; None if a person has allowed the call: then it goes on now.

        May raise a MoorageError, which the caller gets.
        """
