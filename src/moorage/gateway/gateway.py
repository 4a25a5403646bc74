"""What all calls of one process share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from moorage.gateway.decide import Decider
from moorage.gateway.tunnel import Tunnels
from moorage.gateway.upstream import Pool, limits_of
from moorage.http.answering import Door


@dataclass(frozen=True, slots=True)
class Rules:
    """What an app's declaration says of calls to it: whether they may ask for WebSocket, and whether its redirects to
    itself are answered with the gateway's paths."""

    websocket: bool = True
    rewrites_redirects: bool = True


class Gateway:
    """`answer_timeout` is in seconds. `prefix` is the path of the public URL: it stands
    before every path of the gateway that callers are told."""

    def __init__(
        self,
        decider: Decider,
        apps: Iterable[str],
        embedded: Door,
        *,
        answer_timeout: float = 60.0,
        pool: Pool | None = None,
        rules: Callable[[str], Rules] = lambda _app: Rules(),
        prefix: str = "",
    ) -> None:
        self.decider = decider
        self.rules = {app.encode("ascii"): rules(app) for app in apps}
        self.embedded = embedded
        self.pool = pool or Pool(limits_of(answer_timeout))
        self.prefix = prefix.encode("ascii")
        self.tunnels = Tunnels(decider, self.pool.limits)

    async def close(self) -> None:
        """Close the connections to upstreams, once nobody waits for an answer any more."""
        await self.tunnels.ended()
        self.tunnels.close()
        self.pool.close()
