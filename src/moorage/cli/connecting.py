"""Waits for a person who connects a connection in a browser."""

import os
import sys
import time
import webbrowser

from moorage.cli.failures import NotConnected
from moorage.client import Connection, Moorage

POLL_SECONDS = 1.0


def invite(url: str, *, browser: bool) -> None:
    """Open the page in a browser, and print its URL on standard error, as standard output is for the result."""
    opened = browser and _open(url)
    print(
        "Connect it in the browser that has opened, or at:" if opened else "Open this to connect:",
        file=sys.stderr,
    )
    print(_link(url), file=sys.stderr, flush=True)


def _link(url: str) -> str:
    """The URL. At a terminal it is a link, so that a click opens the whole URL even if it takes two lines."""
    if not sys.stderr.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return url
    return f"\x1b]8;;{url}\x1b\\{url}\x1b]8;;\x1b\\"


def wait_until_connected(client: Moorage, connection_id: str, timeout: float) -> Connection:
    """Wait until the connection is ACTIVE, and return it. Raises NotConnected if it fails, or after the timeout."""
    end = time.monotonic() + timeout
    if sys.stderr.isatty():
        print("Waiting until it is connected. Ctrl-C stops waiting.", file=sys.stderr, flush=True)
    while True:
        connection = client.connections.get(connection_id)
        if connection["status"] == "ACTIVE":
            return connection
        if connection["status"] == "FAILED":
            reason = connection["metadata"].get("reason", "the reason is not known")
            raise NotConnected(
                f"The connection {connection_id} could not be connected: {reason}.",
                help="The page in the browser says what to do, and so does `moorage doctor`.",
            )
        seconds_left = end - time.monotonic()
        if seconds_left <= 0:
            raise NotConnected(
                f"Nobody connected {connection_id} within {timeout:g} seconds.",
                help=f"It can still be connected: `moorage connection get {connection_id}` shows its url.",
            )
        time.sleep(min(POLL_SECONDS, seconds_left))


def _open(url: str) -> bool:
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
