"""Connections to upstreams through a proxy: it is asked for a tunnel (CONNECT, RFC 9110, 9.3.6)."""

import asyncio
import re
from typing import TypeVar

from moorage.gateway.errors import ProxyFailed, UpstreamError, UpstreamTimeout, public_reason_of
from moorage.gateway.target import Origin
from moorage.logs import Log
from moorage.proxies import Proxy

_LONGEST_ANSWER = 16 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: |\r\n)")

P = TypeVar("P", bound=asyncio.Protocol)

log = Log(__name__)


class Passage:
    """One attempt to get a tunnel to an origin. `proxy` and `log` know more than callers are told."""

    def __init__(self, proxy: Proxy, origin: Origin) -> None:
        self.proxy = proxy
        self._host = f"[{origin.host}]" if ":" in origin.host else origin.host
        self._target = f"{self._host}:{origin.port}"
        self._is_reached = False

    async def open(self, loop: asyncio.AbstractEventLoop, upstream: P) -> tuple[asyncio.Transport, P]:
        """A tunnel that `upstream` has as if it were its connection. Raises ProxyFailed."""
        try:
            transport, asking = await loop.create_connection(
                lambda: _Asking(loop), self.proxy.host, self.proxy.port
            )
        except (OSError, UnicodeError) as error:
            raise self._failed(f"can't be reached, {public_reason_of(error)}", error=str(error)) from error
        self._is_reached = True
        try:
            transport.write(self._request())
            self._require_tunnel(await asking.answered)
            upstream.connection_made(transport)
            transport.set_protocol(upstream)
        except BaseException:
            transport.abort()
            raise
        return transport, upstream

    @property
    def late(self) -> UpstreamError:
        """The error if there is no tunnel in time."""
        if not self._is_reached:
            return self._failed("accepted no connection in time")
        log.warning("proxy.silent", proxy=self.proxy.name, host=self._target)
        return UpstreamTimeout(
            f"{self._host} accepted no connection in time through the proxy of this server."
        )

    def _request(self) -> bytes:
        lines = [f"CONNECT {self._target} HTTP/1.1", f"Host: {self._target}", "User-Agent: moorage"]
        head = "\r\n".join(lines).encode("ascii")
        if (authorization := self.proxy.authorization) is not None:
            head += b"\r\nProxy-Authorization: " + authorization
        return head + b"\r\n\r\n"

    def _require_tunnel(self, head: bytes | None) -> None:
        """Raises ProxyFailed if this is not the head of an answer that agrees, with nothing behind it."""
        if head is None:
            raise self._failed("closed the connection before it answered")
        answer = _STATUS.match(head)
        if answer is None or len(head) > _LONGEST_ANSWER:
            raise self._failed("sent something that is not an HTTP answer")
        status = int(answer[1])
        if status == 407:
            raise self._failed("wants a user and a password, or others than it was given", status=status)
        if status in {502, 503, 504}:
            raise self._failed(f"can't reach {self._target}", status=status)
        if not 200 <= status < 300:
            raise self._failed(f"refuses to connect to {self._target}", status=status)
        if not head.endswith(b"\r\n\r\n") or head.index(b"\r\n\r\n") + 4 != len(head):
            raise self._failed("sent bytes behind its answer")

    def _failed(self, what: str, **facts: object) -> ProxyFailed:
        log.warning("proxy.failed", proxy=self.proxy.name, host=self._target, reason=what, **facts)
        status = f" ({facts['status']})" if "status" in facts else ""
        return ProxyFailed(f"The proxy of this server {what}{status}.")


class _Asking(asyncio.Protocol):
    """Collects what a proxy answers, up to the end of the head. `answered` is None if it closed the connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.answered: asyncio.Future[bytes | None] = loop.create_future()
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        is_whole = b"\r\n\r\n" in self._head or len(self._head) > _LONGEST_ANSWER
        if is_whole and not self.answered.done():
            self.answered.set_result(self._head)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the loop gives it)
        if not self.answered.done():
            self.answered.set_result(None)
