"""Our own standard input and output as the lines of a proxy, until the input or the process ends."""

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable

from moorage.cli.mcp.proxy import Proxy
from moorage.client import Moorage


class Terminated(Exception):
    """Somebody asked the process to end."""


def serve(connect: Callable[[], Moorage], path: str) -> None:
    """Pass messages on until the input ends, or SIGTERM or Ctrl-C comes."""
    gc.enable()  # Commands do without, but this one may run for weeks.
    signal.signal(signal.SIGTERM, _terminate)
    if os.name == "posix":
        os.set_blocking(sys.stdout.fileno(), True)  # Some programs hand on pipes that are not.
    with contextlib.suppress(Terminated, KeyboardInterrupt):
        Proxy(connect, path, _write).run(iter(sys.stdin.buffer.readline, b""))


def _terminate(*_: object) -> None:
    raise Terminated


def _write(line: bytes) -> None:
    """Write a line without Python's buffer, whose lock a thread could hold while the process ends."""
    with contextlib.suppress(BrokenPipeError):  # The program has gone. The input will say so, too.
        while line:
            line = line[os.write(sys.stdout.fileno(), line) :]
