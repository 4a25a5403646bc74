"""A process that may open nothing more."""

import contextlib
import resource


@contextlib.contextmanager
def none_left():
    """Meanwhile every descriptor that there may be is taken."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
