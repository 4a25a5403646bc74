"""The protocol class that uvicorn runs: it relays calls to apps, answers probes, and leaves the rest to ASGI."""

from collections.abc import Mapping
from types import MappingProxyType

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from moorage.errors import MoorageError
from moorage.gateway.gateway import Gateway
from moorage.gateway.relay import Relay, refusal
from moorage.gateway.rewrite import CallerHeaders
from moorage.gateway.traced import relays_of
from moorage.gateway.websocket import WebSocketCall, asks_for_websocket
from moorage.http.answering import Answer, CollectedRequest, Door
from moorage.http.bodies import SMALL, Allowance, Budget
from moorage.http.direct import DirectProtocol
from moorage.http.exchange import Exchange
from moorage.http.head import Head
from moorage.http.message import Response

# A probe needs no body. A body that a client sends with it is read and ignored.
_PROBE_BODY = Allowance(SMALL, Budget(SMALL))


def gateway_protocol(
    gateway: Gateway, probes: Mapping[bytes, Answer] = MappingProxyType({})
) -> type[HttpToolsProtocol]:
    """The protocol class for uvicorn's `http` setting. `probes` has the functions that answer GET, by path."""
    apps = gateway.rules
    relay, traced = relays_of(gateway)
    doors = {path: Door(answer, lambda _request: _PROBE_BODY) for path, answer in probes.items()}

    class GatewayProtocol(DirectProtocol):
        caller: CallerHeaders | None = None  # The headers of the last call.
        kind = relay  # The class for calls with these headers.

        def claim(self, head: Head, kind: type[Relay] | None = None) -> Exchange | None:
            target = head.target
            slash = target.find(b"/", 1)
            end = slash if slash > 0 else len(target)
            app = target[1:end]
            if app not in apps:
                app = app.partition(b"?")[0]
                if app not in apps:
                    return self.claim_probe(head)
                end = 1 + len(app)
            caller = self.caller
            if caller is None or not caller.matches(app, head):
                caller = self.caller = CallerHeaders(app, head, passes_trace=apps[app].passes_trace)
                self.kind = relay if caller.trace is None else traced
            return (kind or self.kind)(self, head, caller, target[end:], gateway)

        def claim_probe(self, head: Head) -> Exchange | None:
            door = doors.get(head.target) if head.method in {b"GET", b"HEAD"} else None
            return None if door is None else CollectedRequest(self, head, door)

        def claim_upgrade(self, head: Head) -> Exchange | None:
            return self.claim(head, WebSocketCall) if asks_for_websocket(head) else None

        def render_error(self, error: MoorageError, request_id: str, exchange: Exchange | None) -> Response:
            if isinstance(exchange, Relay):
                return exchange.refusal_of(error, request_id)
            return refusal(error, request_id, request_sent=False)

    return GatewayProtocol
