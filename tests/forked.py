"""Moorage as a process of its own that starts quickly, because it is a fork of one that has imported it.

A test of the start itself, or of the memory or the imports of a process, uses `subprocess`.
"""

import atexit
import functools
import json
import os
import signal
import socket
import subprocess
import sys
from multiprocessing.connection import wait
from pathlib import Path

from tests.forking import IGNORABLE

PROGRAM = Path(__file__).with_name("forking.py")
# What Python, or a library in C, reads when it starts.
_READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "OPENSSL_")
_KNOWN = {"env", "cwd", "stdin", "stdout", "stderr", "text"}
_ENVIRONMENT = dict(os.environ)  # Before a test changes it: the program that makes the forks has this one.
_CAN_FORK = hasattr(os, "pidfd_open")  # Only Linux has it.


def popen(command, **how) -> subprocess.Popen:
    """`subprocess.Popen` for `[python, "-m", module, ...]` or `[python, "-c", program, ...]`."""
    environment = how.get("env") or os.environ
    is_same = _at_start(environment) == _at_start(_ENVIRONMENT)
    quick = _CAN_FORK and is_same and command[0] == sys.executable and how.keys() <= _KNOWN
    return (Forked if quick else subprocess.Popen)(command, **how)


def run(command, *, check=False, typed=None, **how) -> subprocess.CompletedProcess:
    """`subprocess.run` for such a command, in a minute; `typed` is what it reads from its standard input."""
    if typed is not None:
        how["stdin"] = subprocess.PIPE
    with popen(command, **how) as process:
        try:
            out, err = process.communicate(typed, timeout=60)
        except BaseException:
            process.kill()
            raise
    if check and process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, out, err)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _at_start(environment) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}


def _umask() -> int:
    """That of this process, which can only be read by setting another one."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


@functools.cache
def _control() -> socket.socket:
    """Leads to the program that makes the forks. It ends when this is closed."""
    ours, theirs = socket.socketpair()
    with theirs:
        program = subprocess.Popen(
            [sys.executable, "-P", PROGRAM, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            cwd="/",
            env=_ENVIRONMENT,
        )

    @atexit.register
    def end():
        ours.close()
        program.wait()

    return ours


class Forked(subprocess.Popen):
    def _execute_child(self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *others):
        _, _, _, stdin, _, _, stdout, _, stderr, *_ = others
        streams = [number if given == -1 else given for number, given in enumerate((stdin, stdout, stderr))]
        work = {
            "command": [str(argument) for argument in args],
            "folder": os.fspath(cwd or Path.cwd()),
            "environment": dict(os.environ if env is None else env),
            "ignored": [number for number in IGNORABLE if signal.getsignal(number) == signal.SIG_IGN],
            "umask": _umask(),
        }
        self._channel, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(_control(), [b"f"], [*streams, theirs.fileno()])
        self._channel.sendall(json.dumps(work).encode())
        self._channel.shutdown(socket.SHUT_WR)
        self.pid = self._told()
        self._child_created = True
        self._close_pipe_fds(*others[3:9])

    def _told(self) -> int:
        """The next number that the program tells: the process's id, and later its exit status."""
        told = self._channel.recv(4)
        assert told, f"{PROGRAM.name} has ended"
        return int.from_bytes(told, "big", signed=True)

    def _internal_poll(self, _deadstate=None):
        self._ended_within(0)
        return self.returncode

    def _wait(self, timeout):
        if not self._ended_within(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def _ended_within(self, timeout) -> bool:
        with self._waitpid_lock:
            if self.returncode is None and wait([self._channel], timeout):
                self.returncode = self._told()
                self._channel.close()
        return self.returncode is not None
