"""Does work in a fork of this process. When the fork ends, the memory that the work needed is free again."""

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
    """Do `work` in a fork and return its result. Raises the errors of `work`; WorkerFailed if the fork is killed."""
    ours, theirs = _fork.Pipe()
    process = _fork.Process(target=_do, args=(ours, theirs, lambda: work(*args, **kwargs)))
    process.start()
    theirs.close()
    with ours:
        try:
            error, result = ours.recv()
        except EOFError:
            raise WorkerFailed("The process that prepares the data folder ended without a message") from None
    process.join()
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]


def _do(theirs: Connection, ours: Connection, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    theirs.close()
    for number in (signal.SIGINT, signal.SIGHUP):  # They reach the fork too, and the parent handles them.
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, args=(ours,), daemon=True).start()
    try:
        ours.send((None, run(work())))
    except Exception as error:  # noqa: BLE001 (the parent raises it again)
        ours.send((error, None))


def _exit_with_parent(parent: Connection) -> None:
    """End this process when the parent ends. The parent sends nothing: the pipe is readable only when it has ended."""
    parent.poll(None)
    os._exit(1)
