"""A process that outlives a run of the suite, and then stops the servers that the run has started."""

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from moorage.locks import FileLock
from tests.postgresql_server import process_id


def main(folder: Path) -> None:
    if os.fork():
        return
    os.chdir("/")
    os.setsid()  # What is typed at the run's terminal is not for us.
    with contextlib.suppress(FileNotFoundError), FileLock(folder / "run"):
        stop_all(folder)


def stop_all(folder: Path) -> None:
    """Ends when nothing has run for a moment: a worker may have been starting a server when the run was killed."""
    quiet_since, end = time.monotonic(), time.monotonic() + 30
    while time.monotonic() < min(quiet_since + 0.3, end):
        for server in folder.glob("*/data"):
            if (number := process_id(server)) is not None:
                quiet_since = time.monotonic()
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGQUIT)  # PostgreSQL's immediate shutdown.
        time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
