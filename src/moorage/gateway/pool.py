"""The connections to upstreams that stay open between calls. Every call passes here, so this is written for speed."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from functools import cached_property

from moorage.gateway.errors import UpstreamError, UpstreamTimeout, UpstreamUnreachable, public_reason_of
from moorage.gateway.limits import Limits
from moorage.gateway.outbox import Outbox
from moorage.gateway.proxied import Passage
from moorage.gateway.target import Origin
from moorage.gateway.tls import ClientContext, verifying
from moorage.gateway.upstream import Borrower, UpstreamConnection
from moorage.logs import Log
from moorage.proxies import Proxies

_SWEEP_SECONDS = 1.0

log = Log(__name__)


class Pool:
    """The connections of one process to all upstreams. `tls` makes the TLS context for https.

    `proxies` says through which proxy an upstream is reached.
    """

    def __init__(
        self,
        limits: Limits,
        tls: Callable[[], ClientContext] = verifying,
        proxies: Proxies | None = None,
    ) -> None:
        self.limits = limits
        self.proxies = proxies or Proxies()
        self._new_tls = tls
        self._hosts: dict[bytes, _Host] = {}
        self._sweeping = False

    @cached_property
    def tls(self) -> ClientContext:
        return self._new_tls()

    def use(self, limits: Limits) -> None:
        """Use these limits from now on, and the proxies as they are now."""
        self.limits = limits
        for host in self._hosts.values():
            host.limits = limits
            host.choose_proxy()

    def borrow(self, origin: Origin, borrower: Borrower) -> UpstreamConnection | None:
        """A kept connection, or None: then `on_connected` or `on_unreachable` is called later.

        A borrower that `needs_new` gets no kept one.
        """
        host = self._hosts.get(origin.address)
        if host is None:
            host = self._hosts[origin.address] = _Host(self, origin)
        return host.borrow(borrower)

    def forget(self, origin: Origin, borrower: Borrower) -> None:
        """The borrower no longer waits for a connection."""
        self._hosts[origin.address].forget(borrower)

    def drop_kept(self, origin: Origin) -> None:
        """Close the unused connections, because one of them turned out to be dead."""
        self._hosts[origin.address].drop_kept()

    def close(self) -> None:
        """Close every connection that is open now."""
        for host in self._hosts.values():
            host.close()

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Check the deadlines of connections in regular sweeps, as long as there are connections."""
        if not self._sweeping:
            self._sweeping = True
            limits = self.limits
            shortest = min(limits.connect, limits.answer, limits.idle, limits.stalled, limits.kept)
            loop.call_later(min(_SWEEP_SECONDS, shortest / 4), self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = False
        now = loop.time()
        for host in list(self._hosts.values()):
            host.sweep(now)
        if any(host.is_used for host in self._hosts.values()):
            self.watch(loop)


class _Host:
    """The connections to one origin, and the borrowers that wait for one."""

    def __init__(self, pool: Pool, origin: Origin) -> None:
        self._pool = pool
        self.limits = pool.limits
        self.origin = origin
        self.loop = asyncio.get_running_loop()
        self.outbox = Outbox(self.loop)
        self._proxy = pool.proxies.of(origin.scheme, origin.host, origin.port)
        self._all: set[UpstreamConnection] = set()
        self._kept: list[UpstreamConnection] = []
        self._waiting: deque[tuple[Borrower, float]] = deque()
        # The attempts to connect that are under way, the first one first. Each has its way through the proxy.
        self._connecting: dict[asyncio.Task[None], Passage | None] = {}

    @property
    def is_used(self) -> bool:
        return bool(self._all or self._waiting)

    def choose_proxy(self) -> None:
        """Take the proxy that is for this origin now. Connections that are in use end as they are."""
        origin, before = self.origin, self._proxy
        self._proxy = self._pool.proxies.of(origin.scheme, origin.host, origin.port)
        if self._proxy != before:
            self.drop_kept()

    def borrow(self, borrower: Borrower) -> UpstreamConnection | None:
        while self._kept and not borrower.needs_new:
            upstream = self._kept.pop()
            if upstream.is_usable:
                return upstream
        self._waiting.append((borrower, self.loop.time() + self.limits.wait))
        if self._kept and len(self._all) + len(self._connecting) >= self.limits.connections:
            self._kept.pop(0).drop()  # This makes room for a new connection.
        self._connect_more()
        return None

    def forget(self, borrower: Borrower) -> None:
        self._waiting = deque(pair for pair in self._waiting if pair[0] is not borrower)

    def drop_kept(self) -> None:
        while self._kept:
            self._kept.pop().drop()

    def close(self) -> None:
        self._kept.clear()
        for upstream in list(self._all):
            upstream.drop()

    def give_back(self, upstream: UpstreamConnection) -> None:
        if self._waiting:
            if upstream.used and self._waiting[0][0].needs_new:
                upstream.drop()  # This makes room for a new connection.
                return
            borrower, _ = self._waiting.popleft()
            borrower.on_connected(upstream)
        else:
            upstream.deadline = self.loop.time() + self.limits.kept
            self._kept.append(upstream)

    def lost(self, upstream: UpstreamConnection) -> None:
        self._all.discard(upstream)
        if upstream in self._kept:
            self._kept.remove(upstream)
        self._connect_more()

    def remember_session(self, secured: ssl.SSLObject) -> None:
        self._pool.tls.remember(secured)

    def sweep(self, now: float) -> None:
        for upstream in [upstream for upstream in self._all if upstream.deadline <= now]:
            upstream.on_deadline()
        while self._waiting and self._waiting[0][1] <= now:
            self._fail_first(self._late())

    def _connect_more(self) -> None:
        room = self.limits.connections - len(self._all) - len(self._connecting)
        for _ in range(min(room, len(self._waiting) - len(self._connecting))):
            passage = None if self._proxy is None else Passage(self._proxy, self.origin)
            task = self.loop.create_task(self._connect(passage))
            self._connecting[task] = passage
            task.add_done_callback(self._on_connect_tried)
        self._pool.watch(self.loop)

    def _on_connect_tried(self, task: asyncio.Task[None]) -> None:
        del self._connecting[task]
        if self._waiting:
            self._connect_more()  # More borrowers wait than connections were allowed.

    async def _connect(self, passage: Passage | None) -> None:
        try:
            async with asyncio.timeout(self.limits.connect):
                upstream = await self._open(passage)
        except TimeoutError:
            self._fail_first(self._unaccepted(passage))
        except UpstreamError as error:
            self._fail_first(error)
        except (OSError, ssl.SSLError, UnicodeError) as error:
            self._on_unreachable(str(error), public_reason_of(error))
        except Exception as error:
            # A caller waits for an answer, also after an unexpected error.
            log.exception("gateway.failed")
            self._on_unreachable(type(error).__name__, "for a reason that is in the server's log")
        else:
            if upstream.is_usable:
                self._all.add(upstream)
                self.give_back(upstream)
            else:
                self._on_unreachable(
                    "it closed the connection at once", "because it closed the connection at once"
                )

    async def _open(self, passage: Passage | None) -> UpstreamConnection:
        origin = self.origin
        if passage is None:
            transport, upstream = await self.loop.create_connection(
                lambda: UpstreamConnection(self), origin.host, origin.port
            )
        else:
            transport, upstream = await passage.open(self.loop, UpstreamConnection(self))
        if origin.scheme != "https":
            return upstream
        try:
            secured = await self.loop.start_tls(
                transport, upstream, self._pool.tls, server_hostname=origin.host
            )
        except BaseException:
            transport.abort()
            raise
        if secured is not None:  # It is None only for a transport that is closing.
            upstream.secure(secured)
        return upstream

    def _late(self) -> UpstreamError:
        """Why a borrower has waited too long."""
        if not self._connecting:
            return UpstreamTimeout(f"No connection to {self.origin.host} became free in time.")
        return self._unaccepted(next(iter(self._connecting.values())))

    def _unaccepted(self, passage: Passage | None) -> UpstreamError:
        if passage is not None:
            return passage.late
        return UpstreamTimeout(f"{self.origin.host} accepted no connection in time.")

    def _on_unreachable(self, reason: str, public_reason: str) -> None:
        origin = self.origin
        log.warning("upstream.unreachable", host=origin.host, port=origin.port, error=reason)
        way = "" if self._proxy is None else " through the proxy of this server"
        message = f"{origin.host} can't be reached{way}, {public_reason}."
        self._fail_first(UpstreamUnreachable(message, help="Try again in a moment."))

    def _fail_first(self, error: UpstreamError) -> None:
        if self._waiting:
            borrower, _ = self._waiting.popleft()
            borrower.on_unreachable(error)
