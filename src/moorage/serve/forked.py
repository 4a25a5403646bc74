"""Work whose memory is not to stay: it is done in a fork of this process, which ends with it."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

from moorage.serve.errors import WorkerFailed
from moorage.serve.process import run

P = ParamSpec("P")
T = TypeVar("T")

_fork = multiprocessing.get_context("fork")


def apart(work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` gives. Raises what it raises, and WorkerFailed if its process is killed."""
    ours, theirs = _fork.Pipe()
    process = _fork.Process(target=_do, args=(ours, theirs, lambda: work(*args, **kwargs)))
    process.start()
    theirs.close()
    with ours:
        try:
            error, result = ours.recv()
        except EOFError:
            raise WorkerFailed("The process that makes the data folder ready ended without a word") from None
    process.join()
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]


def _do(theirs: Connection, ours: Connection, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    theirs.close()
    for number in (signal.SIGINT, signal.SIGHUP):  # They reach us too, and are for the other to answer.
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(ours,), daemon=True).start()
    try:
        ours.send((None, run(work())))
    except Exception as error:  # noqa: BLE001 (whatever it is, it is raised again on the other side)
        ours.send((error, None))


def _end_with(other: Connection) -> None:
    """Nothing is sent our way: what can be read is the end of the process that waits for us."""
    other.poll(None)
    os._exit(1)
