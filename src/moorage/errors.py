"""The base of all errors of the gateway and the control API. The CRM answers with Zoho's errors: `crm/faults.py`."""

import errno
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

# The system's error numbers for a full disk, and for a full quota on a disk.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class MoorageError(Exception):
    """An error that a caller or an operator can correct.

    `message` says what is wrong and names the wrong value. `help` says what would be right. Each subclass has a stable
    `code`. `http/errors.py` alone chooses the HTTP status of a code. `more` has what else a program may want to know.
    """

    code: ClassVar[str] = "internal"
    more: Mapping[str, Any] = MappingProxyType({})
    # What `WWW-Authenticate` says, if a valid secret would be right.
    challenge: str | None = None
    # The headers that name the connection of the failed call, if a connection was chosen before the call failed.
    through: tuple[tuple[bytes, bytes], ...] = ()
    # The ids of the account and of the API key of the failed call, if they were known.
    called_by: tuple[str, str] | None = None

    def __init__(self, message: str, *, help: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.message = message
        self.help = help

    def __reduce__(self) -> tuple[Any, ...]:
        # `serve/forked.py` sends errors between processes. Pickle would call the constructor with `args`, but many
        # subclasses have other arguments.
        return _restored, (type(self), self.args, self.__dict__)


class SettingsInvalid(MoorageError):
    """One or more settings can't be used. The message lists all faults, and `faults` has each."""

    code = "settings_invalid"

    def __init__(self, *faults: str, help: str | None = None) -> None:  # noqa: A002
        super().__init__(" ".join(faults), help=help)
        self.faults = faults


def whole_seconds(seconds: float) -> int:
    """A time to wait as Retry-After has it, and as sentences have it."""
    return max(1, math.ceil(seconds))


def _restored(kind: type[MoorageError], args: tuple[Any, ...], state: dict[str, Any]) -> MoorageError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error
