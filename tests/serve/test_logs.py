import os
import pty
import subprocess
import sys

PROGRAM = """
import sys
sys.modules["rich"] = None  # As in a server.
import structlog
from moorage.serve.logs import configure_logs
configure_logs("info")
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger().exception("thing.failed", request_id="r1")
"""


def at_a_terminal(program):
    """What a program writes on standard error, if that is a terminal."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        subprocess.run([sys.executable, "-c", program], stderr=theirs, check=True, timeout=30)
        os.close(theirs)
        return screen.read(65536).decode()


def test_at_a_terminal_lines_and_tracebacks_are_for_people():
    shown = at_a_terminal(PROGRAM)
    assert "thing.failed" in shown.splitlines()[0] and "r1" in shown.splitlines()[0]
    assert shown.splitlines()[-1].startswith("ZeroDivisionError: division by zero")
    assert "{" not in shown and "Warning" not in shown
