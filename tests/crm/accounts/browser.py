"""The CRM's origin on a real socket, and a browser that runs no scripts."""

import asyncio
import http.client
import json
import socket
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import uvicorn
from uvicorn.server import ServerState

from moorage.clock import FrozenClock
from moorage.crm.wire.refusals import refusal
from moorage.http.answering import Door, answering
from tests.crm.folder import crm_in

OPEN = "demo"  # The organisation whose users sign in with one click.
ANA = "ana@harbourpine.example"
PASSWORD = "correct horse battery"
FORM = "application/x-www-form-urlencoded"


class Loop:
    """An event loop in a thread of its own, where all origins of a test process are served."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class Origin:
    def __init__(self, folder: Path, clock: FrozenClock, loop: Loop) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._service = crm_in(folder, clock, self.url, OPEN)
        self._state = ServerState()
        self._loop = loop
        self._server = loop.run(self._begin())

    async def _begin(self) -> asyncio.Server:
        protocol = answering(Door(self._service.answer, self._service.admit), render_error=refusal)
        config = uvicorn.Config(_nothing, http=protocol, lifespan="off", log_config=None)
        config.load()

        def connected():
            return protocol(config=config, server_state=self._state, app_state={})

        return await asyncio.get_running_loop().create_server(connected, sock=self._listener)

    def stop(self) -> None:
        self._loop.run(self._end())

    async def _end(self) -> None:
        self._server.close()
        for connection in list(self._state.connections):
            connection.cut()
        await self._service.close()

    def call(self, method, path, body=b"", headers=None):
        """One request on a connection of its own; gives status, headers (a list) and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        response = answer.status, answer.getheaders(), answer.read()
        connection.close()
        return response

    def token(self, client, **values):
        """What the token endpoint says to a client."""
        values = {"client_id": client.id, "client_secret": client.secret, **values}
        return json.loads(self.call("POST", "/oauth/v2/token", urlencode(values))[2])

    def exchange(self, client, page, **values):
        """What the client gets for the code that a page brought back to it."""
        values = {"redirect_uri": client.client.redirect_uris[0], **values}
        return self.token(client, grant_type="authorization_code", code=page.callback["code"], **values)


async def _nothing(_scope, _receive, _send):
    raise AssertionError("the protocol answers everything")


class Page:
    def __init__(self, url, status, headers, body) -> None:
        self.url = url
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.text = body.decode()
        self.forms = _Forms.of(self.text)

    @property
    def location(self) -> str | None:
        return self.headers.get("location")

    @property
    def callback(self) -> dict[str, str]:
        """What the client is told."""
        return {k: v for k, [v] in parse_qs(urlsplit(self.location).query, keep_blank_values=True).items()}

    def form(self, step) -> dict[str, str]:
        """The hidden values of the form that has this step, or a button for it."""
        [form] = [
            candidate
            for candidate in self.forms
            if step in (candidate.hidden.get("step"), *candidate.buttons)
        ]
        return form.hidden


class Browser:
    """Keeps one cookie and follows redirects on the origin. A redirect to another origin ends the way."""

    def __init__(self, origin: Origin, host: str | None = None) -> None:
        self.origin = origin
        self.cookie: str | None = None
        self.host = host or f"127.0.0.1:{origin.port}"

    def get(self, path) -> Page:
        return self._load("GET", path, None, {})

    def send(self, page, step, headers=None, /, **values) -> Page:
        """Fill in the page's form of that step and send it."""
        fields = {**page.form(step), "step": step, **values}
        # What browsers say of a page that forbids referrers, and of one that does not.
        told = page.headers.get("referrer-policy") == "same-origin"
        said = {"Origin": f"http://{self.host.lower()}" if told else "null"}
        return self._load("POST", urljoin(page.url, "auth"), urlencode(fields), said | (headers or {}))

    def _load(self, method, path, body, headers) -> Page:
        headers = {"Host": self.host, **headers}
        if self.cookie:
            headers["Cookie"] = f"other=1; {self.cookie}"
        if body is not None:
            headers.setdefault("Content-Type", FORM)
        page = Page(path, *self.origin.call(method, path, body, headers))
        if "set-cookie" in page.headers:
            self.cookie = page.headers["set-cookie"].partition(";")[0]
        if page.location and not urlsplit(page.location).scheme:
            return self._load("GET", urljoin(path, page.location), None, {})
        return page


def sign_in(browser, address, email=ANA, password=PASSWORD) -> Page:
    return browser.send(browser.get(address), "password", email=email, password=password)


class _Form:
    def __init__(self) -> None:
        self.hidden: dict[str, str] = {}
        self.buttons: list[str] = []


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Form] = []

    @classmethod
    def of(cls, text) -> list[_Form]:
        parser = cls()
        parser.feed(text)
        return parser.found

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "form":
            assert (values["method"], values["action"]) == ("post", "auth")
            self.found.append(_Form())
        elif tag == "input" and values.get("type") == "hidden":
            self.found[-1].hidden[values["name"]] = values["value"]
        elif tag == "button" and values.get("name") == "step":
            self.found[-1].buttons.append(values["value"])
