"""A program that imports Moorage, and then becomes one of its commands, in a fork, whenever a test asks for one.

The start of Python and the imports take most of a second of a core, a fork some milliseconds. `tests/forked.py` asks.
"""

import contextlib
import gc
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import time
from importlib import import_module
from multiprocessing.connection import wait
from pathlib import Path
from types import ModuleType

IGNORABLE = signal.SIGHUP, signal.SIGINT, signal.SIGTERM  # Who starts a process may tell it to ignore these.
SERVER = ["-P", "-m", "moorage.cli.serving"]  # What `moorage up` replaces itself by.

_PATH = sys.path.copy()


class Replaced(BaseException):
    """A process replaces itself by a program. Its arguments are the program's, and its environment."""


def load() -> None:
    """Import what commands and servers do."""
    import moorage.cli

    for module in pkgutil.iter_modules(moorage.cli.__path__, "moorage.cli."):
        import_module(module.name)
    for name in ("moorage.serve.up", "moorage.operator", "moorage.doctor", "alembic.command", "psycopg"):
        import_module(name)


def asked(control: socket.socket) -> list[int] | None:
    """Makes a fork for each that asks, and tells how it ended. Gives the fork its files; None if nobody asks any more.

    The files are standard input, output and error, and a channel: it brings what to run, and takes the process's id and
    its exit status.
    """
    forks: dict[int, tuple[int, int]] = {}  # A descriptor of a process: its id and its channel.
    while True:
        for ready in wait([control, *forks]):
            if ready in forks:
                process, channel = forks.pop(ready)
                _tell(channel, os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
                os.close(channel)
                os.close(ready)
                continue
            message, files, *_ = socket.recv_fds(control, 1, 4)
            if not message:
                return None
            process = os.fork()
            if process == 0:
                control.detach()
                return files
            *streams, channel = files
            for stream in streams:
                os.close(stream)
            forks[os.pidfd_open(process)] = process, channel
            _tell(channel, process)


def _tell(channel: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # Who asked has ended.
        os.write(channel, number.to_bytes(4, "big", signed=True))


def become(files: list[int]) -> None:
    """Run in this process what was asked for, as if Python had been started for it."""
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    with open(os.dup(files[3]), "rb") as channel:  # noqa: PTH123 (a descriptor is no path)
        work = json.load(channel)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())
    for number in IGNORABLE:
        usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if number in work["ignored"] else usual)
    os.umask(work["umask"])
    os.chdir(work["folder"])
    _set_environment(work["environment"])
    os.execve = _replace
    command = work["command"]
    while command is not None:
        command = _run(command)


def _run(command: list[str]) -> list[str] | None:
    """Run a program in this process. Gives the command by which it wants to be replaced, if it does."""
    sys.orig_argv = command
    sys.path[:] = _PATH if "-P" in command else [str(Path.cwd()), *_PATH]
    at = next(index for index, argument in enumerate(command) if argument in {"-m", "-c"})
    kind, program, *sys.argv[1:] = command[at:]
    gc.enable()
    try:
        if kind == "-c":
            _run_text(program)
        else:
            sys.modules.pop(program, None)  # It is run anew, as a program.
            runpy.run_module(program, run_name="__main__", alter_sys=True)
    except Replaced as program:
        command, environment = program.args
        _set_environment(environment)
        return command
    return None


def _run_text(text: str) -> None:
    sys.argv[0] = "-c"
    sys.modules["__main__"] = main = ModuleType("__main__")
    exec(compile(text, "<string>", "exec"), vars(main))


def _set_environment(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()


def _replace(path: str, command: list[str], environment: dict[str, str]) -> None:
    assert [path, *command[1:4]] == [sys.executable, *SERVER], command
    raise Replaced(command, environment)


def main() -> None:
    # Ctrl-C is for those who ask. When they have ended, this ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load()
    gc.freeze()  # The forks share memory that no collection of garbage looks through.
    with socket.socket(fileno=int(sys.argv[1])) as control:
        files = asked(control)
    if files is not None:
        become(files)


if __name__ == "__main__":
    main()
