"""Opens a page in this machine's browser, if somebody can see it.

Everybody on the machine can read the arguments of programs. So a link that is a secret goes through a file that only
this user can read, and that is gone after some seconds.
"""

import html
import os
import subprocess
import sys
import tempfile
import time
import webbrowser
from pathlib import Path

SECONDS = 20.0  # That a browser has to read the file.
_PAGE = '<!doctype html><meta charset="utf-8"><title>Moorage</title><meta http-equiv="refresh" content="0; url={link}">'


def has_browser() -> bool:
    """True if somebody is at a terminal of a machine that can show a browser."""
    shows = sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return shows and sys.stdout.isatty()


def open_apart(link: str) -> None:
    """Open a link by a process of its own, which nobody waits for."""
    process = subprocess.Popen(  # noqa: S603 (the command is our own)
        [sys.executable, "-P", "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert process.stdin is not None
    with process.stdin as told:
        told.write(link)


def main(seconds: float = SECONDS) -> None:
    """Open the link that comes on standard input."""
    with tempfile.TemporaryDirectory(prefix="moorage-") as folder:
        page = Path(folder) / "open.html"
        page.touch(0o600)
        page.write_text(_PAGE.format(link=html.escape(sys.stdin.read())))
        if webbrowser.open(page.as_uri()):
            time.sleep(seconds)


if __name__ == "__main__":
    main()
