"""Errors for which a server can't start."""

from moorage.errors import MoorageError


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
