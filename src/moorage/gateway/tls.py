"""TLS for connections to upstreams."""

import ssl
from typing import Any


class ClientContext(ssl.SSLContext):
    """A TLS context that resumes the last session with each host.

    A handshake that resumes a session costs both sides a fraction of a full one. The host may ask for a full handshake.
    """

    def __init__(self, _protocol: int) -> None:
        self._sessions: dict[str | None, ssl.SSLSession] = {}

    def remember(self, connection: ssl.SSLObject) -> None:
        """Resume this connection's session next time. Call it after the host has sent bytes, which bring the ticket."""
        session = connection.session
        if session is not None:
            self._sessions[connection.server_hostname] = session

    def wrap_bio(self, *buffers: Any, **options: Any) -> ssl.SSLObject:
        """The event loop calls this for each new connection."""
        options.setdefault("session", self._sessions.get(options["server_hostname"]))
        return super().wrap_bio(*buffers, **options)


def verifying(authorities: str | None = None) -> ClientContext:
    """A context that trusts the certificate authorities of the system, or those in the file `authorities`."""
    # This protocol requires a certificate, and checks the host's name in it.
    context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)
    if authorities is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(authorities)
    return context
