"""What all calls that one process relays share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from moorage.gateway.resolve import Resolver
from moorage.gateway.tunnel import Tunnels
from moorage.gateway.upstream import Pool, limits_of
from moorage.http.answering import Door


@dataclass(frozen=True, slots=True)
class Rules:
    """What an app's declaration says about calls to it: whether WebSockets are allowed, and whether redirects to the
    app itself are rewritten to the gateway's paths."""

    websocket: bool = True
    rewrites_redirects: bool = True


class Gateway:
    """`answer_timeout` is in seconds. `prefix` is the path of the public URL: it stands before every path of the
    gateway in the answers that callers get."""

    def __init__(
        self,
        resolver: Resolver,
        apps: Iterable[str],
        embedded: Door,
        *,
        answer_timeout: float = 60.0,
        pool: Pool | None = None,
        rules: Callable[[str], Rules] = lambda _app: Rules(),
        prefix: str = "",
    ) -> None:
        self.resolver = resolver
        self.rules = {app.encode("ascii"): rules(app) for app in apps}
        self.embedded = embedded
        self.pool = pool or Pool(limits_of(answer_timeout))
        self.prefix = prefix.encode("ascii")
        self.tunnels = Tunnels(resolver, self.pool.limits)

    async def close(self) -> None:
        """Close the connections to upstreams. Call this when nobody waits for an answer any more."""
        await self.tunnels.ended()
        self.tunnels.close()
        self.pool.close()
