"""TLS towards upstreams."""

import ssl
from typing import Any


class ClientContext(ssl.SSLContext):
    """A context that begins with each host where its last connection to it ended.

    A handshake that resumes a session costs both sides a part of a first one; a host may always ask for that instead.
    """

    def __init__(self, _protocol: int) -> None:
        self._sessions: dict[str | None, ssl.SSLSession] = {}

    def remember(self, connection: ssl.SSLObject) -> None:
        """Resume this connection's session next time. Its host has to have sent something, and with it a ticket."""
        session = connection.session
        if session is not None:
            self._sessions[connection.server_hostname] = session

    def wrap_bio(self, *buffers: Any, **options: Any) -> ssl.SSLObject:
        """Called by the event loop for each new connection."""
        options.setdefault("session", self._sessions.get(options["server_hostname"]))
        return super().wrap_bio(*buffers, **options)


def verifying(authorities: str | None = None) -> ClientContext:
    """Trusts the hosts that the system's authorities vouch for, or those of a file."""
    context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)  # This requires certificates, and checks whose they are.
    if authorities is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(authorities)
    return context
