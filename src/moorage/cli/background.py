"""Servers in the background: `moorage up --detach` starts one, and prints what the server tells it once.

What a server tells goes through a pipe and not into its log, because it may have the first API key.
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict

from moorage.errors import MoorageError
from moorage.serve.log_file import log_path, open_log

_STANDARD_OUTPUT = 1


class Behind(TypedDict):
    """What a server in the background is told. `stop` is the command that stops it."""

    home: str
    is_awaited: bool
    stop: str


class ServerEnded(MoorageError):
    """A server in the background ended before it was ready, without a reason."""

    code = "server_ended"


def start(command: Sequence[str], environment: Mapping[str, str], behind: Behind) -> int:
    """Start a server. If it is awaited, print what it prints when it is ready, or why it failed.

    Returns the exit status. Raises ServerEnded.
    """
    log = open_log(log_path(Path(behind["home"])))
    try:
        process = subprocess.Popen(  # noqa: S603 (the command is our own)
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if behind["is_awaited"] else subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,  # A signal of the terminal does not reach it.
        )
    finally:
        os.close(log)
    return _await(process) if behind["is_awaited"] else 0


def _await(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    try:
        with process.stdout as told_by_it:
            line = told_by_it.readline()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    if not line:
        status = process.wait()
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        raise ServerEnded(
            f"The server ended before it was ready ({how})", help="Its log may say why: `moorage logs`."
        )
    stream, text = json.loads(line)
    print(text, end="", file=sys.stdout if stream == "out" else sys.stderr, flush=True)
    return 0 if stream == "out" else process.wait()


@contextlib.contextmanager
def told(behind: Behind | None, stream: Literal["out", "err"]) -> Iterator[None]:
    """What a server prints within goes to the command that started it, if that waits; else a fault goes to the log."""
    if behind is None or (stream == "err" and not behind["is_awaited"]):
        yield
        return
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        yield
    print(json.dumps([stream, text.getvalue()]), flush=True)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STANDARD_OUTPUT)
    os.close(nowhere)
