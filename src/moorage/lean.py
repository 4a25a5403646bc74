"""What libraries would load and nobody here uses is left out: it takes memory of servers and time of commands."""

import sys


def leave_out_what_nobody_uses() -> None:
    """To be called before those libraries are imported; what is loaded already stays."""
    # structlog would load rich and pygments, 4 MB, to colour tracebacks, which are text by the time it gets ours. So it
    # finds none here.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
