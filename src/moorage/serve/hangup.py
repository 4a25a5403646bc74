"""SIGHUP: it asks for a reload, and it also comes when the terminal is closed at which a server was started."""

import os
import signal


class Hangup:
    """Tells the two apart. Make it before a handler is set."""

    def __init__(self) -> None:
        # With nohup, a server goes on after its terminal is closed. A reload can still be asked for.
        is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        self._ends_with_terminal = not is_ignored and _has_terminal()

    @property
    def is_of_terminal(self) -> bool:
        """True if the terminal is closed now, and this process should end with it."""
        return self._ends_with_terminal and not _has_terminal()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
