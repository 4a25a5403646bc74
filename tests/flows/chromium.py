"""A real browser without a window, driven over its own debugging protocol."""

import asyncio
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import aiohttp

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = "Chromium is not installed here (apt-get install chromium)"
PATIENCE = 15.0  # seconds


class Chromium:
    """One tab. Its calls return when the browser has answered; `wait` is for what a page does in its own time."""

    def __init__(self, profile: Path) -> None:
        # Chromium's sandbox does not work for root, as whom containers run tests.
        unboxed = ["--no-sandbox"] if os.getuid() == 0 else []
        options = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0"]
        self._process = subprocess.Popen(
            [PROGRAM, *options, *unboxed, f"--user-data-dir={profile}", "about:blank"],
            stderr=subprocess.DEVNULL,
        )
        self._number = 0
        self._runner = asyncio.Runner()
        try:
            self._runner.run(self._connect(_port(profile / "DevToolsActivePort")))
        except BaseException:
            self.stop()
            raise

    async def _connect(self, port: str) -> None:
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json") as answer:
            tabs = json.loads(await answer.text())
        [tab] = [one for one in tabs if one["type"] == "page"]
        self._socket = await self._session.ws_connect(tab["webSocketDebuggerUrl"])

    def stop(self) -> None:
        if hasattr(self, "_session"):
            self._runner.run(self._session.close())
        self._runner.close()
        self._process.terminate()
        self._process.wait(10)

    def open(self, url: str) -> None:
        self._send("Page.navigate", url=url)

    def run(self, script: str):
        """Run a script in the page, as the person's own doing; gives its value."""
        found = self._send("Runtime.evaluate", expression=script, returnByValue=True, userGesture=True)
        return found.get("result", {}).get("value")

    def wait(self, script: str):
        """Wait until a script's value is true; gives it."""
        end = time.monotonic() + PATIENCE
        while not (found := self.run(script)):
            where = self.run("location.href + ' ' + document.body?.innerText")
            assert time.monotonic() < end, f"{script} did not come true at {where}"
            time.sleep(0.05)
        return found

    def wait_for(self, text: str) -> None:
        """Wait for a page whose heading contains the text."""
        self.wait(
            f"document.readyState == 'complete' && document.querySelector('h1')?.innerText.includes({text!r})"
        )

    def click(self, label: str, times: int = 1) -> None:
        found = f"[...document.querySelectorAll('button')].find(b => b.innerText == {label!r})"
        self.wait(f"!!{found}")
        self.run(f"for (let i = 0, b = {found}; i < {times}; i++) b.click()")

    def type(self, selector: str, text: str) -> None:
        self.run(f"document.querySelector({selector!r}).value = {text!r}")

    def _send(self, method: str, **params):
        return self._runner.run(self._exchange(method, params))

    async def _exchange(self, method: str, params: dict):
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        while True:
            answer = await asyncio.wait_for(self._socket.receive_json(), PATIENCE)
            if answer.get("id") == self._number:
                return answer.get("result", {})


def _port(file: Path) -> str:
    """Where the browser listens, which it writes down when it does."""
    end = time.monotonic() + PATIENCE
    while not (file.exists() and "\n" in file.read_text()):
        assert time.monotonic() < end, "Chromium did not start in time"
        time.sleep(0.05)
    return file.read_text().split()[0]
