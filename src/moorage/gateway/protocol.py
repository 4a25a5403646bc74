"""The gateway's side of uvicorn: paths that begin with an app are relayed, all others go on to the ASGI application."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from moorage.errors import MoorageError
from moorage.gateway.gateway import Gateway
from moorage.gateway.relay import Relay, refusal
from moorage.gateway.rewrite import Caller
from moorage.gateway.websocket import WebSocketCall, asks_for_websocket
from moorage.http.direct import DirectProtocol
from moorage.http.exchange import Exchange
from moorage.http.head import Head
from moorage.http.message import Response


def gateway_protocol(gateway: Gateway) -> type[HttpToolsProtocol]:
    """A protocol class for uvicorn's `http` setting."""
    apps = gateway.rules

    class GatewayProtocol(DirectProtocol):
        caller: Caller | None = None  # The last call's.

        def claim(self, head: Head, kind: type[Relay] = Relay) -> Exchange | None:
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
            return kind(self, head, caller, target[end:], gateway)

        def claim_upgrade(self, head: Head) -> Exchange | None:
            return self.claim(head, WebSocketCall) if asks_for_websocket(head) else None

        def word(self, error: MoorageError, request_id: str) -> Response:
            exchange = self._exchange
            # What breaks off in a head is no part of the call that is being answered meanwhile.
            is_concerned = error.code == "internal" or self._reading is exchange
            if is_concerned and isinstance(exchange, Relay):
                return refusal(error, request_id, left=exchange.left, through=exchange.through)
            return refusal(error, request_id, left=False)

    return GatewayProtocol
