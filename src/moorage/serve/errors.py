"""Errors for which a server can't start."""

from moorage.errors import MoorageError


class PosixNeeded(MoorageError):
    """This system is none on which a server can run, or a data folder can be worked on."""

    code = "posix_needed"

    def __init__(self) -> None:
        super().__init__(
            "A server and its data folder need a POSIX system, such as Linux or macOS, and this is none",
            help="On Windows, run it in WSL or in a container. Commands that call a server work here: set MOORAGE_URL"
            " and MOORAGE_API_KEY.",
        )


class HomeUnusable(MoorageError):
    """The data folder can't be created or written."""

    code = "home_unusable"


class HomeMissing(MoorageError):
    """The data folder of a command does not exist."""

    code = "home_missing"


class HomeInUse(MoorageError):
    """Another process serves this data folder."""

    code = "home_in_use"


class HomeElsewhere(MoorageError):
    """A process that can't be reached from here holds this data folder."""

    code = "home_elsewhere"


class AddressUnavailable(MoorageError):
    """A port is in use or forbidden, or the host is not this machine."""

    code = "address_unavailable"


class WorkerFailed(MoorageError):
    """A worker process ended before it served anything."""

    code = "worker_failed"
