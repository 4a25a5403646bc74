"""For what happens in another thread or process."""

import time


def wait_until(condition, seconds=5.0):
    """Poll until the condition holds, and give what it gave; fail when it does not in time."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return value
