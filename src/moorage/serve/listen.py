"""The two listening sockets. They are bound before the workers start, which share them. Port 0 picks a free port."""

import errno
import os
import socket

from moorage.loopback import is_loopback
from moorage.serve.errors import AddressUnavailable

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (translated here, not bound)


def bind(host: str, port: int, *, setting: str, option: str | None = None) -> socket.socket:
    """A socket that is bound to the address.

    Raises AddressUnavailable, which names `setting`, with which the user can choose another port, and `option` if there
    is one.
    """
    changed_by = setting if option is None else f"{option} or {setting}"
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise AddressUnavailable(
            f"The host {host!r} has no address", help="Choose another host with --host, such as 127.0.0.1."
        ) from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    # Without this, a restart would have to wait until the kernel has forgotten the connections of the last run.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _unavailable(error, host, port, changed_by) from error
    return listener


def local_url(listener: socket.socket) -> str:
    """The URL at which this machine reaches the socket."""
    host, port = listener.getsockname()[:2]
    return url_of(host, port)


def url_of(host: str, port: int) -> str:
    """The URL at which this machine reaches a server that listens on this host and port."""
    host = _EVERY_ADDRESS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def network_url(host: str, port: int) -> str | None:
    """The URL at which other machines reach a server that listens on this host and port.

    None if they can't reach it, or if the system does not know the address.
    """
    if is_loopback(host):
        return None
    if host not in _EVERY_ADDRESS:
        return url_of(host, port)
    family, outside = (socket.AF_INET6, "2001:db8::1") if ":" in host else (socket.AF_INET, "192.0.2.1")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            # This sends nothing. The system only chooses the address that it would send from.
            probe.connect((outside, 9))
            return url_of(probe.getsockname()[0], port)
    except OSError:
        return None


def _unavailable(error: OSError, host: str, port: int, changed_by: str) -> AddressUnavailable:
    choose = f"Choose another port with {changed_by}; 0 picks a free port."
    if error.errno == errno.EADDRINUSE:
        return AddressUnavailable(f"Port {port} of {host} is in use by another program", help=choose)
    if error.errno == errno.EACCES:
        return AddressUnavailable(f"This user may not use port {port}", help=choose)
    reason = os.strerror(error.errno) if error.errno else str(error)
    return AddressUnavailable(
        f"Can't listen at {host} port {port}: {reason}",
        help="Choose an address of this machine with --host, such as 127.0.0.1.",
    )
