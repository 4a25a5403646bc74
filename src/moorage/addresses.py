"""Which addresses calls outwards may go to. Callers choose them, so they could lead into the operator's own network."""

import asyncio
import ipaddress
import socket
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

LOCAL, PUBLIC = "local", "public"
# Names that are looked up at the same time. The threads are no one else's: some servers never answer.
_LOOK_UPS = 16


class NotAllowed(Exception):
    """The operator does not allow the address."""


class Addresses:
    """`allowed` has networks, `local` for this machine, and `public` for all addresses of the internet."""

    def __init__(self, allowed: Collection[str]) -> None:
        self.use(allowed)
        self._threads = ThreadPoolExecutor(_LOOK_UPS, "names")

    def use(self, allowed: Collection[str]) -> None:
        """Allow these from now on, and no others. Connections that are open stay open."""
        self._words = {word for word in allowed if word in {LOCAL, PUBLIC}}
        self._networks = [ipaddress.ip_network(word) for word in allowed if word not in {LOCAL, PUBLIC}]

    def allows(self, address: Address) -> bool:
        if any(address in network for network in self._networks):
            return True
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            return self.allows(address.ipv4_mapped)
        if address.is_loopback:
            return LOCAL in self._words
        return PUBLIC in self._words and _is_public(address)

    def refuses(self, host: str) -> bool:
        """Whether it is known without a look-up that the host is not allowed."""
        try:
            return not self.allows(ipaddress.ip_address(host))
        except ValueError:
            return False

    async def look_up(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host that are allowed. Raises NotAllowed if there are others only, and OSError."""
        get = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        answers = await asyncio.get_running_loop().run_in_executor(self._threads, get)
        found = {str(answer[4][0]): None for answer in answers}
        allowed = [text for text in found if self.allows(ipaddress.ip_address(text))]
        if not allowed:
            raise NotAllowed(f"{host} has an address that is not allowed")
        return allowed

    def connector(self) -> Any:
        """A connector for a session of aiohttp. It connects to the very addresses that were checked, whatever a later
        look-up would say. A host that is an address itself it does not check: ask `refuses` before.
        """
        import aiohttp  # noqa: PLC0415 (most processes call nobody, and the library loads slowly)
        from aiohttp.abc import AbstractResolver, ResolveResult  # noqa: PLC0415

        look_up = self.look_up

        class AllowedOnly(AbstractResolver):
            async def resolve(
                self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
            ) -> list[ResolveResult]:
                del family
                flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
                return [
                    ResolveResult(
                        hostname=host, host=text, port=port, family=_family(text), proto=0, flags=flags
                    )
                    for text in await look_up(host, port)
                ]

            async def close(self) -> None:
                pass

        return aiohttp.TCPConnector(resolver=AllowedOnly(), use_dns_cache=False, limit=0)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _is_public(address: Address) -> bool:
    """IPv6 addresses that stand for IPv4 ones are left out: they could lead anywhere."""
    if isinstance(address, ipaddress.IPv6Address):
        is_translated = address in ipaddress.ip_network("64:ff9b::/96")
        if address.sixtofour is not None or address.teredo is not None or is_translated:
            return False
    return address.is_global and not address.is_multicast


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
