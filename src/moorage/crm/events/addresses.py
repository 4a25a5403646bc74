"""Which addresses notifications may go to. Callers choose them, so they could lead into the operator's own network."""

import asyncio
import ipaddress
import socket
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

LOCAL, PUBLIC = "local", "public"
_LOOK_UPS = (
    16  # Names that are looked up at the same time. The threads are no one else's: some servers never answer.
)


class NotAllowed(Exception):
    """The operator does not allow the address."""


class Addresses:
    """`allowed` has networks, `local` for this machine, and `public` for all addresses of the internet."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._words = {word for word in allowed if word in {LOCAL, PUBLIC}}
        self._networks = [ipaddress.ip_network(word) for word in allowed if word not in {LOCAL, PUBLIC}]
        self._threads = ThreadPoolExecutor(_LOOK_UPS, "crm-names")

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
            raise NotAllowed(f"{host} has an address to which notifications may not go")
        return allowed

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _is_public(address: Address) -> bool:
    """IPv6 addresses that stand for IPv4 ones are left out: they could lead anywhere."""
    if isinstance(address, ipaddress.IPv6Address):
        is_translated = address in ipaddress.ip_network("64:ff9b::/96")
        if address.sixtofour is not None or address.teredo is not None or is_translated:
            return False
    return address.is_global and not address.is_multicast
