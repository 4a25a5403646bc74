"""What can keep a server from starting, by name."""

from moorage.errors import MoorageError


class HomeUnusable(MoorageError):
    """The data folder can't be made or written."""

    code = "home_unusable"


class HomeMissing(MoorageError):
    """There is no data folder where a command was to find one."""

    code = "home_missing"


class HomeInUse(MoorageError):
    """Another process serves this data folder."""

    code = "home_in_use"


class AddressUnavailable(MoorageError):
    """A port is taken, is not ours to use, or the host is not this machine."""

    code = "address_unavailable"


class WorkerFailed(MoorageError):
    """A worker process ended before it served anything."""

    code = "worker_failed"
