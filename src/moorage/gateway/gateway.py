"""The objects that all calls of one process share."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from moorage.gateway.holding import Holder
from moorage.gateway.limits import limits_of
from moorage.gateway.pool import Pool
from moorage.gateway.resolve import Resolver
from moorage.gateway.tunnel import Tunnels
from moorage.http.answering import Door
from moorage.proxies import Proxies
from moorage.requests import Notes

if TYPE_CHECKING:
    from moorage.gateway.traced import Spans


class Rules(msgspec.Struct, frozen=True):
    """The rules in an app's declaration: are WebSockets allowed, are its redirects rewritten to the gateway, and is it
    told which trace a call belongs to?
    """

    websocket: bool = True
    rewrites_redirects: bool = True
    passes_trace: bool = False


_OF_NO_APP = Rules(websocket=False)


class Gateway:
    """`answer_timeout` is in seconds. `prefix` is the path of the public URL. Rewritten paths begin with it.

    `proxies` says through which proxy an app is reached.
    `notes` gets a note of each call; None if no record is kept of calls.
    `spans` makes spans of calls that are sampled; None if no spans are made.
    `holder` lets calls wait for a person. Without one, calls that a person has to approve are refused.
    """

    def __init__(
        self,
        resolver: Resolver,
        apps: Iterable[str],
        embedded: Door,
        *,
        answer_timeout: float = 60.0,
        pool: Pool | None = None,
        proxies: Proxies | None = None,
        rules: Callable[[str], Rules] = lambda _app: Rules(),
        prefix: str = "",
        notes: Notes | None = None,
        holder: Holder | None = None,
        spans: "Spans | None" = None,
    ) -> None:
        self.resolver = resolver
        # Others hold it, so it stays the same object.
        self.rules = {app.encode("ascii"): rules(app) for app in apps}
        self.embedded = embedded
        self.pool = pool or Pool(limits_of(answer_timeout), proxies=proxies)
        self.notes = notes
        self.holder = holder
        self.spans = spans
        self.prefix = prefix.encode("ascii")
        self.tunnels = Tunnels(resolver, self.pool.limits)

    def rules_of(self, app: bytes) -> Rules:
        """The rules of an app; the strictest of an app that was taken away while a call to it was on its way."""
        return self.rules.get(app, _OF_NO_APP)

    def use(self, apps: Iterable[str], rules: Callable[[str], Rules], answer_timeout: float) -> None:
        """Use these from now on. A call that has begun ends as it began."""
        named = {app.encode("ascii"): rules(app) for app in apps}
        for app in self.rules.keys() - named.keys():
            del self.rules[app]
        self.rules.update(named)
        self.pool.use(limits_of(answer_timeout))
        self.tunnels.limits = self.pool.limits

    async def close(self) -> None:
        """Close the connections to upstreams. Call this after the last answer."""
        await self.tunnels.ended()
        self.tunnels.close()
        self.pool.close()
