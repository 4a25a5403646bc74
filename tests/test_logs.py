"""What log lines look like, at a terminal and elsewhere, and that nothing in them can harm whoever reads them."""

import json
import os
import pty
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, logging, sys
from moorage.logs import Log, configure_logs, silent_logs
configure_logs(sys.argv[1])
log = Log("moorage.room")
log.debug("thing.looked")
log.info("thing.done", request_id="r1", count=2, path=None)
with silent_logs():
    log.error("thing.hushed")
logging.getLogger("library").info("chatter %s", 1)
logging.getLogger("library").warning("advice %s", 1)
try:
    raise ValueError("\\x1b[2Jcleared")
except ValueError as error:
    log.exception("thing.failed", reason="it's \\x1b[31mred\\n2026 forged")
    log.error("thing.broke", exc_info=error, cause=error)
"""


def run(level="info", **options):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, level], check=True, timeout=30, text=True, **options
    )


def documents(level="info"):
    return [json.loads(line) for line in run(level, stderr=subprocess.PIPE).stderr.splitlines()]


def at_a_terminal(**environment):
    """What the program writes on standard error, if that is a terminal."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        run(stderr=theirs, env=os.environ | environment)
        os.close(theirs)
        return screen.read(65536).decode()


def test_elsewhere_each_line_is_json_with_the_values_beside_the_event():
    done, advice, failed, broke = documents()
    assert done.pop("timestamp").endswith("Z")
    assert done == {"event": "thing.done", "request_id": "r1", "count": 2, "path": None, "level": "info"}
    assert (advice["event"], advice["level"]) == ("advice 1", "warning")
    assert (failed["event"], failed["level"]) == ("thing.failed", "error")
    assert failed["exception"].splitlines()[0] == "Traceback (most recent call last):"
    assert failed["exception"] == broke["exception"]
    assert broke["cause"] == "ValueError('\\x1b[2Jcleared')"


@pytest.mark.parametrize(
    ("level", "events"),
    [
        ("debug", ["thing.looked", "thing.done", "advice 1", "thing.failed", "thing.broke"]),
        ("warning", ["advice 1", "thing.failed", "thing.broke"]),
        ("error", ["advice 1", "thing.failed", "thing.broke"]),
    ],
)
def test_the_level_is_about_our_events_and_libraries_only_warn(level, events):
    assert [document["event"] for document in documents(level)] == events


def test_at_a_terminal_lines_and_tracebacks_are_for_people():
    lines = at_a_terminal(NO_COLOR="1").splitlines()
    assert lines[0].endswith("[info    ] thing.done request_id=r1 count=2 path=None")
    assert lines[1].endswith("[warning ] advice 1")
    assert lines[3] == "Traceback (most recent call last):"
    assert not any("{" in line for line in lines)


def test_texts_of_strangers_are_no_commands_to_a_terminal_and_no_lines():
    shown = at_a_terminal(NO_COLOR="1")
    assert "\x1b" not in shown
    assert r'''reason="it's \x1b[31mred\n2026 forged"''' in shown
    assert r"ValueError: \x1b[2Jcleared" in shown


def test_a_terminal_gets_colours_unless_they_are_not_wanted():
    shown = at_a_terminal(NO_COLOR="")
    assert "\x1b[1mthing.done\x1b[0m" in shown and "\x1b[31m[error   ]\x1b[0m" in shown
    assert "\x1b[2J" not in shown


def test_a_terminal_that_is_gone_is_no_failure():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        run(stderr=gone)
