"""The address of the person who sends a request."""

from moorage.loopback import is_loopback


def address_of(client: str, forwarded_for: str | None) -> str:
    """The address of a browser, or the address that the proxy on this machine gives for it.

    `client` is the address at the other end of the socket, and `forwarded_for` the header X-Forwarded-For. Somebody who
    forges that header can choose this address, so it decides only who has to wait after wrong passwords,
    and what the audit shows.
    """
    if not is_loopback(client):
        return client
    return (forwarded_for or "")[-64:].rpartition(",")[2].strip() or client
