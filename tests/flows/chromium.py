"""A real browser without a window, driven over its own debugging protocol."""

import asyncio
import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = "Chromium is not installed here (apt-get install chromium)"
PATIENCE = 15.0  # seconds
NO_COOKIES = {"profile": {"default_content_setting_values": {"cookies": 2}}}
# What each new window has ready for those who type into its address bar: two pages that cost more than ours.
UNSEEN = "WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup"
PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}


class Chromium:
    """A browser's process, in which there may be many tabs, and people who share no cookies."""

    def __init__(self, profile: Path, *, keeps_cookies: bool = True) -> None:
        if not keeps_cookies:
            (profile / "Default").mkdir(parents=True)
            (profile / "Default" / "Preferences").write_text(json.dumps(NO_COOKIES))
        # Chromium's sandbox does not work for root, as whom containers run tests.
        unboxed = ["--no-sandbox"] if os.getuid() == 0 else []
        options = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0"]
        options.append(f"--disable-features={UNSEEN}")
        self._process = subprocess.Popen(
            [PROGRAM, *options, *unboxed, f"--user-data-dir={profile}", "about:blank"],
            stderr=subprocess.DEVNULL,
        )
        self._runner = asyncio.Runner()
        try:
            port, path = _address(profile / "DevToolsActivePort")
            self._host = f"ws://127.0.0.1:{port}"
            self._runner.run(self._open(path))
        except BaseException:
            self.stop()
            raise

    async def _open(self, path: str) -> None:
        self._session = aiohttp.ClientSession()
        self._wire = await self._connect(path)

    async def _connect(self, path: str) -> "_Wire":
        return _Wire(self._runner, await self._session.ws_connect(f"{self._host}{path}"))

    def stop(self) -> None:
        if hasattr(self, "_session"):
            self._runner.run(self._session.close())
        self._runner.close()
        self._process.terminate()
        self._process.wait(10)

    def person(self) -> str:
        """Somebody with cookies of their own, as in a private window."""
        return self._wire.send("Target.createBrowserContext")["browserContextId"]

    def tab(self, person: str | None = None, *, draws: bool = False) -> "Tab":
        """A new tab for a person; by default for the owner of the browser.

        One that never `draws` is in no window, and costs half as much. Pages can tell by one thing only: no animation
        frame comes.
        """
        how = {"hidden": not draws} | ({} if person is None else {"browserContextId": person})
        target = self._wire.send("Target.createTarget", url="about:blank", **how)["targetId"]
        return Tab(self._runner.run(self._connect(f"/devtools/page/{target}")))


class Tab:
    """Its calls return when the browser has answered; `wait` is for what a page does in its own time."""

    def __init__(self, wire: "_Wire") -> None:
        self._wire = wire
        for domain in ("Page", "Log", "Runtime"):
            wire.send(f"{domain}.enable")
        wire.send("Emulation.setFocusEmulationEnabled", enabled=True)  # As if it were the only one.
        self.be_wide(1280)

    def open(self, url: str) -> None:
        self._wire.send("Page.navigate", url=url)

    def reload(self) -> None:
        self._wire.send("Page.reload")

    def back(self) -> None:
        """Press the browser's own button. A page may not know that it exists."""
        history = self._wire.send("Page.getNavigationHistory")
        before = history["entries"][history["currentIndex"] - 1]
        self._wire.send("Page.navigateToHistoryEntry", entryId=before["id"])

    def run(self, script: str):
        """Run a script in the page, as the person's own doing; gives its value."""
        evaluated = self._wire.send(
            "Runtime.evaluate", expression=script, returnByValue=True, userGesture=True
        )
        return evaluated.get("result", {}).get("value")

    def wait(self, script: str):
        """Wait until a script's value is true; gives it."""
        end = time.monotonic() + PATIENCE
        while not (value := self.run(script)):
            where = self.run("location.href + ' ' + document.body?.innerText")
            assert time.monotonic() < end, f"{script} did not come true at {where}"
            time.sleep(0.05)
        return value

    def wait_for(self, text: str) -> None:
        """Wait for a page whose heading contains the text."""
        self.wait(
            f"document.readyState == 'complete' && document.querySelector('h1')?.innerText.includes({text!r})"
        )

    def click(self, label: str, times: int = 1) -> None:
        script = f"[...document.querySelectorAll('button, a')].find(b => b.innerText == {label!r})"
        self.wait(f"!!{script}")
        self.run(f"for (let i = 0, b = {script}; i < {times}; i++) b.click()")

    def type(self, selector: str, text: str) -> None:
        self.run(f"document.querySelector({selector!r}).value = {text!r}")

    def bring(self, script: str) -> None:
        """Run a script in each page that is opened from now on, before those of the page."""
        self._wire.send("Page.addScriptToEvaluateOnNewDocument", source=script)

    def press(self, key: str, code: int, text: str = "", *, times: int = 1) -> None:
        """Press a key and let it go."""
        sent = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        down, up = {"type": "keyDown", **sent, "text": text}, {"type": "keyUp", **sent}
        self._wire.send_all("Input.dispatchKeyEvent", [down, up] * times)

    @property
    def url(self) -> str:
        return self.run("location.href")

    @property
    def text(self) -> str:
        return self.run("document.body.innerText")

    @property
    def complaints(self) -> list[str]:
        """What the browser and the page's scripts have written to the console so far."""
        self.run("0")  # What came before its answer has come by then.
        return [
            json.dumps(event)
            for event in self._wire.events
            if event["method"] in {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}
        ]

    def take_cookie(self, site: str, cookie: str) -> None:
        """Have a cookie of a site, in the form `name=value`."""
        name, _, value = cookie.partition("=")
        self._wire.send("Network.setCookie", url=site, name=name, value=value)

    def forget_cookies(self) -> None:
        self._wire.send("Network.clearBrowserCookies")

    def forbid_scripts(self) -> None:
        """Those of pages; `run` works all the same."""
        self._wire.send("Emulation.setScriptExecutionDisabled", value=True)

    def be_a_phone(self) -> None:
        self._wire.send("Emulation.setDeviceMetricsOverride", **PHONE)

    def be_wide(self, width: int, height: int = 900) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._wire.send("Emulation.setDeviceMetricsOverride", **size)

    def be_dark(self) -> None:
        self.be_themed("dark")

    def be_themed(self, theme: str) -> None:
        """`theme` is light or dark. Pages change at once, as for somebody who wants to see nothing move."""
        wants = {"prefers-color-scheme": theme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wants.items()]
        self._wire.send("Emulation.setEmulatedMedia", features=features)

    def forget_complaints(self) -> None:
        self._wire.events.clear()

    def picture(self, file: Path) -> None:
        """Write a PNG of the whole page."""
        taken = self._wire.send("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(taken["data"]))

    def window_picture(self, file: Path) -> None:
        """Write a small picture (WebP) of what the window shows."""
        taken = self._wire.send("Page.captureScreenshot", format="webp", quality=60)
        file.write_bytes(base64.b64decode(taken["data"]))

    def close(self) -> None:
        self._wire.send("Page.close")


class _Wire:
    """Commands to the browser and their answers; messages without a command are in `events`."""

    def __init__(self, runner: asyncio.Runner, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.events: list[dict] = []
        self._runner = runner
        self._socket = socket
        self._number = 0

    def send(self, method: str, **params):
        return self.send_all(method, [params])

    def send_all(self, method: str, all_params: Sequence[dict]):
        """Send a command several times without a wait between them. Gives the last answer."""
        return self._runner.run(self._exchange(method, all_params))

    async def _exchange(self, method: str, all_params: Sequence[dict]):
        for params in all_params:
            self._number += 1
            await self._socket.send_json({"id": self._number, "method": method, "params": params})
        while True:
            answer = await asyncio.wait_for(self._socket.receive_json(), PATIENCE)
            if answer.get("id") == self._number:
                return answer.get("result", {})
            if "id" not in answer:
                self.events.append(answer)


def _address(file: Path) -> list[str]:
    """The port and the path where the browser listens, which it writes down when it does."""
    end = time.monotonic() + PATIENCE
    while not (file.exists() and file.read_text().count("\n") >= 1 and len(file.read_text().split()) == 2):
        assert time.monotonic() < end, "Chromium did not start in time"
        time.sleep(0.05)
    return file.read_text().split()
