"""The gateway's side of uvicorn: paths that begin with an app are relayed, all others go on to the ASGI application."""

from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from moorage.errors import MoorageError
from moorage.gateway.decide import Decider
from moorage.gateway.relay import Embedded, Relay, refusal
from moorage.gateway.rewrite import Caller
from moorage.gateway.upstream import Pool, limits_of
from moorage.http.direct import DirectProtocol
from moorage.http.exchange import Exchange
from moorage.http.head import Head
from moorage.http.message import Response


class Gateway:
    """What all connections share. `answer_timeout` is in seconds."""

    def __init__(
        self,
        decider: Decider,
        apps: Iterable[str],
        embedded: Embedded,
        *,
        answer_timeout: float = 60.0,
        pool: Pool | None = None,
    ) -> None:
        self.decider = decider
        self.apps = frozenset(app.encode("ascii") for app in apps)
        self.embedded = embedded
        self.pool = pool or Pool(limits_of(answer_timeout))

    def close(self) -> None:
        """Close the connections to upstreams, once nobody waits for an answer any more."""
        self.pool.close()


def gateway_protocol(gateway: Gateway) -> type[HttpToolsProtocol]:
    """A protocol class for uvicorn's `http` setting."""
    apps, decider, pool, embedded = gateway.apps, gateway.decider, gateway.pool, gateway.embedded

    class GatewayProtocol(DirectProtocol):
        caller: Caller | None = None  # The last call's.

        def claim(self, head: Head) -> Exchange | None:
            target = head.target
            slash = target.find(b"/", 1)
            end = slash if slash > 0 else len(target)
            app = target[1:end]
            if app not in apps:
                app = app.partition(b"?")[0]
                if app not in apps:
                    return None
                end = 1 + len(app)
            caller = self.caller
            if caller is None or not caller.says(app, head):
                caller = self.caller = Caller(app, head)
            return Relay(self, head, caller, target[end:], decider, pool, embedded)

        def word(self, error: MoorageError, request_id: str) -> Response:
            exchange = self._exchange
            # What breaks off in a head is no part of the call that is being answered meanwhile.
            is_concerned = error.code == "internal" or self._reading is exchange
            if is_concerned and isinstance(exchange, Relay):
                return refusal(error, request_id, left=exchange.left, through=exchange.through)
            return refusal(error, request_id, left=False)

    return GatewayProtocol
