"""The error vocabulary of the gateway and the control API. (The CRM speaks Zoho's: `crm/faults.py`.)"""

import errno
from typing import Any, ClassVar

# What the system says where a disk, or one's share of it, is full.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class MoorageError(Exception):
    """Something a caller or an operator can act on.

    `message` says what is wrong and names the offender, `help` says what would be right. Each subclass has
    a stable `code`; the HTTP status of a code is chosen in `http/errors.py`, nowhere else.
    """

    code: ClassVar[str] = "internal"
    # The headers that say through which connection the call went that ended so, where one had been chosen.
    through: tuple[tuple[bytes, bytes], ...] = ()

    def __init__(self, message: str, *, help: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.message = message
        self.help = help

    def __reduce__(self) -> tuple[Any, ...]:
        # An error is sent from process to process (`serve/forked.py`), and many subclasses word their messages.
        return _restored, (type(self), self.args, self.__dict__)


class SettingsInvalid(MoorageError):
    """One or more settings can't be used; the message lists every fault at once."""

    code = "settings_invalid"


def _restored(kind: type[MoorageError], args: tuple[Any, ...], state: dict[str, Any]) -> MoorageError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error
