"""What a caller without a key may cost, at every route of both origins: 5 ms of the event loop and 100 kB of memory.

The routes come from the routing tables, so a new one is walked by itself. Each is sent the worst that a generator of
hostile requests finds, 64 kB at most, over a socket to both origins in one event loop, as in production. Time is that
of the loop's own thread on the processor, so other work of the machine doesn't count; and the least of several tries,
as what a parser takes it takes each time.
"""

import asyncio
import contextlib
import functools
import logging
import re
import socket
import threading
import time
import tracemalloc
from html import unescape
from urllib.parse import quote, urlencode

import pytest

from moorage.clock import SystemClock
from moorage.control import control_origin
from moorage.crm.api import routes as api_routes
from moorage.first_start import first_start
from moorage.logs import JsonForm
from moorage.rooms import DEMO_APP, Rooms, Urls
from moorage.serve.process import run, serve
from moorage.settings import load
from moorage.web.browser import form_token_of, new_random
from tests.waited import Waited

MOST_SECONDS = 0.005
MOST_MEMORY = 100_000
BODY = 64 * 1024
HEAD = 60 * 1024
TARGET = 15 * 1024  # Longer ones are refused as they are.
QUERY = 11 * 1024  # Longer ones are refused where they are read.
TRIES = 10
CALLBACK = "http://127.0.0.1:9/callback"

# What hostile text is made of, by repetition: what parsers split at, look ahead for, escape and nest.
UNITS = [
    *rb"""\ " ; ( % %41 %zz %2525 & = + , [ . / - a 0 a=b& a=b; a=%& \" a*0*=b; ..%2f {} : {"a": [{ -1e9,""".split(),
    *(b" ", b"; a=", b"=?utf-8?q?a?= ", b"\xff", b"\xc3\xa9", b"\xf0\x9f\x98\x80"),
    *(b"--b\r\n", b"--b\r\n\r\n", b"\r\n", b"\r\n--"),
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n',
]
# What takes the most room: what is split, decoded and widened to text of four bytes for each letter.
LARGE = [b"a", b"%41", b"&", b"a=b&", b"\xff", b"a" * 4000 + b"\xf0\x9f\x98\x80", b"--b\r\n\r\n", b"\\"]
FORM = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data; boundary=b"
# Headers that something in a server reads.
READ = b"cookie content-type authorization host origin x-request-id x-forwarded-for accept".split()


class Origins:
    """Both origins of one process in a thread; `cpu` is what its loop has used."""

    def __init__(self, home):
        self._listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        urls = Urls(*(f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in self._listeners))
        self.ports = {
            "gateway": self._listeners[0].getsockname()[1],
            "crm": self._listeners[1].getsockname()[1],
        }
        self._settings, self._urls = load({}, home=home), urls
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: run(self._serve()))
        self._thread.start()
        assert self._ready.wait(60)
        self._clock = time.pthread_getcpuclockid(self._thread.ident)
        self._open = {}

    async def _serve(self):
        await first_start(self._settings)
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await serve(self._settings, self._urls, self._listeners, ready=self._ready.set, stop=self._stop)

    def stop(self):
        for sock in self._open.values():
            sock.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    def cpu(self):
        return time.clock_gettime(self._clock)

    def ask(self, origin, sent):
        """Send a request and read its answer whole, on a connection that is kept as long as it can be."""
        sock = self._open.pop(origin, None) or socket.create_connection(("127.0.0.1", self.ports[origin]), 60)
        with contextlib.suppress(OSError):  # Its answer may come before the whole of it was read.
            sock.sendall(sent)
        received = b""
        while b"\r\n\r\n" not in received:
            part = sock.recv(8192)
            if not part:
                break
            received += part
        head, _, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        while length and len(body) < int(length[1]):
            part = sock.recv(8192)
            if not part:
                break
            body += part
        if re.search(rb"(?i)\r\nconnection: close", head) or not head:
            sock.close()
        else:
            self._open[origin] = sock
        return head, body


class UnwrittenLines(logging.Handler):
    """What a server does for a line, without the output."""

    def emit(self, record):
        self.format(record)


@pytest.fixture(scope="module")
def origins(tmp_path_factory):
    libraries, lines = logging.getLogger(), UnwrittenLines()
    lines.setFormatter(JsonForm())
    libraries.addHandler(lines)
    origins = Origins(tmp_path_factory.mktemp("strangers") / "home")
    yield origins
    origins.stop()
    libraries.removeHandler(lines)


@pytest.fixture(scope="module")
def rooms(origins):
    """The same data, to register what a stranger may know of."""

    async def opened():
        return Rooms(origins._settings, origins._urls, SystemClock())

    runner = asyncio.Runner()
    rooms = runner.run(opened())
    yield rooms, runner
    runner.run(rooms.close())
    runner.close()


@pytest.fixture(scope="module")
def places(rooms):
    """Every origin, method and path; those of placeholders with something in their place."""
    rooms, _ = rooms
    places_found = []
    router = control_origin(rooms, lambda: None)
    while not hasattr(router, "routes"):  # It stands behind what turns errors into answers.
        router = router._app
    for route in router.routes:
        path = re.sub(r"\{\w+\}", "x", route.path)
        places_found += [("gateway", method, path) for method in ("GET", "POST", "PUT", "DELETE")]
    places_found += [("gateway", method, f"/{DEMO_APP}/crm/v8/Leads") for method in ("GET", "POST")]
    places_found += [
        ("gateway", "GET", "/nothing"),
        ("crm", "GET", "/nothing"),
        ("crm", "POST", "/"),
        ("crm", "GET", "/"),
    ]
    for path in rooms.crm.accounts_paths:
        places_found += [("crm", method, path.decode()) for method in ("GET", "POST")]
    for base in ("v2", "v2.1", "v7", "v9", "bulk/v8", "nothing"):
        places_found += [("crm", method, f"/crm/{base}/Leads") for method in ("GET", "POST")]
    for route in api_routes():
        path = re.sub(r"\{\w+\}", "x", route.pattern)
        places_found.append(("crm", route.method, path))
    assert len(places_found) > 80
    return places_found


@pytest.fixture(scope="module")
def known_requests(origins, rooms):
    """What strangers know: a client's request, a page's form with its cookie, a link to connect. By origin and path:
    lists of method, query, fields of a form, and a cookie."""
    rooms, runner = rooms
    crm = Waited(rooms.crm, run=runner.run)
    row = crm.organisations.choose(None)
    user = crm.first_user(row).id
    client = crm.clients.register("Stub", row.id, user, (CALLBACK,), self_client=False)
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "scope": "ZohoCRM.modules.ALL",
        "redirect_uri": CALLBACK,
        "state": "s",
    }
    head, body = origins.ask("crm", request("GET", "/oauth/v2/auth", urlencode(asked).encode()))
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', unescape(body.decode())))
    form = {**fields, "step": "password", "email": "", "password": "x"}
    browser = re.search(rb"(?i)set-cookie: ([^;]+)", head)[1]
    # A link to connect is a credential, which no stranger has; here is one in the same form, and a browser's cookie.
    token, browser_of_connect = "A" * 54, new_random()
    own = b"moorage-connect=" + browser_of_connect.encode()
    connect = {"session_token": token, "place": "crm/demo", "environment": "", "scope": "ZohoCRM.modules.ALL"}
    connect["form_token"] = form_token_of(browser_of_connect)
    tokens = {
        "grant_type": "authorization_code",
        "client_id": client.client_id,
        "client_secret": "x",
        "code": "x",
    }
    back = {
        "state": "A" * 43,
        "code": "x",
        "error": "x",
        "location": "us",
        "accounts-server": "x",
        "iss": "x",
    }
    return {
        ("crm", "/oauth/v2/auth"): [("GET", asked, {}, browser), ("POST", {}, form, browser)],
        ("crm", "/oauth/v2/token"): [("POST", {}, tokens, b""), ("POST", tokens, {}, b"")],
        ("crm", "/oauth/v2/token/revoke"): [("POST", {}, {"token": "x"}, b"")],
        ("gateway", "/connect/"): [("GET", {"session_token": token}, {}, own), ("POST", {}, connect, own)],
        ("gateway", "/connect/callback"): [("GET", back, {}, own)],
    }


def request(method, path, query=b"", headers=(), body=b""):
    target = path.encode() + (b"?" + query if query else b"")
    lines = [b"%b %b HTTP/1.1" % (method.encode(), target)]
    headers = list(headers)
    if not any(name == b"host" for name, _ in headers):
        lines.append(b"host: 127.0.0.1")
    if body or method == "POST":
        headers.append((b"content-length", b"%d" % len(body)))
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def of(unit, size):
    return (unit * (size // len(unit) + 1))[:size]


def visible(unit):
    """Whether it can stand in a target or a header as it is; others would be refused for that alone."""
    return all(32 < byte < 127 for byte in unit) and b"#" not in unit


def hostile(method, units):
    """By name: requests that need nothing to be known. Their path is only what is hostile in it: `at` adds the rest."""
    for unit in units:
        for kind in (FORM, MULTIPART) if method == "POST" else ():
            yield (
                f"body {unit!r} as {kind!r}",
                request(method, "", b"", [(b"content-type", kind)], of(unit, BODY)),
            )
            yield (
                f"short body {unit!r} as {kind!r}",
                request(method, "", b"", [(b"content-type", kind)], of(unit, 12 * 1024)),
            )
        if visible(unit):
            yield f"query {unit!r}", request(method, "", of(unit, TARGET))
            yield f"path {unit!r}", request(method, "/" + of(unit, TARGET).decode())
    for name in READ:
        for unit in units[:: 2 if name == b"cookie" else 4]:
            if b"\r" not in unit:
                yield f"{name!r} {unit!r}", request(method, "", b"", [(name, of(unit, HEAD))])
    parameters = b"".join(b"; a%d=b" % number for number in range(7000))[:HEAD]
    yield (
        "content type of many parameters",
        request(method, "", b"", [(b"content-type", MULTIPART + parameters)], b"--b--"),
    )
    yield "many headers", request(method, "", b"", [(b"a%d" % number, b"b") for number in range(5000)])
    yield "many cookies", request(method, "", b"", [(b"cookie", b"a=b")] * 4000)
    for folded in (b"disposition: form-data;" + b"\r\n a=b;" * 9000, b"type: a/b" + b";" * BODY):
        body = (b"--b\r\nContent-" + folded)[: BODY - 20] + b"\r\n\r\nv\r\n--b--\r\n"
        yield "a part's long head", request(method, "", b"", [(b"content-type", MULTIPART)], body)
    nested = b"".join(
        b"--b%b\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n"
        % (b"%d" % number if number else b"", number + 1)
        for number in range(1200)
    )
    yield "nested parts", request(method, "", b"", [(b"content-type", MULTIPART)], nested[:BODY])


def at(path, sent):
    """A request with something before its path."""
    method, rest = sent.split(b" ", 1)
    return b"%b %b%b" % (method, path.encode(), rest)


def informed(method, path, query, form, cookie, units):
    """The same where a stranger knows more: each field in turn is hostile, and the cookie is ours or nearly so."""
    headers = [(b"content-type", FORM), *([(b"cookie", cookie)] if cookie else [])]

    def sent(query, form):
        return request(method, path, query, headers, form)

    yield "as it is meant", sent(urlencode(query).encode(), urlencode(form).encode())
    for unit in units:
        for name in query:
            others = urlencode({key: value for key, value in query.items() if key != name}).encode()
            if visible(unit):
                yield (
                    f"{name} in the query {unit!r}",
                    sent(b"%b&%b=%b" % (others, name.encode(), of(unit, QUERY)), b""),
                )
            quoted = quote(of(unit, QUERY)).encode()[:QUERY]
            yield (
                f"{name} in the query, encoded {unit!r}",
                sent(b"%b&%b=%b" % (others, name.encode(), quoted), b""),
            )
        for name in form:
            others = urlencode({key: value for key, value in form.items() if key != name}).encode()
            for size in (11 * 1024, BODY):
                yield (
                    f"{name} {unit!r} of {size}",
                    sent(b"", b"%b&%b=%b" % (others, name.encode(), of(unit, size))),
                )
            quoted = quote(of(unit, 11 * 1024)).encode()[: 11 * 1024]
            yield f"{name}, encoded {unit!r}", sent(b"", b"%b&%b=%b" % (others, name.encode(), quoted))
        if b"\r" not in unit and cookie:
            hidden = [(b"content-type", FORM), (b"cookie", of(unit, HEAD // 2) + b"; " + cookie)]
            yield (
                f"cookie after {unit!r}",
                request(method, path, urlencode(query).encode(), hidden, urlencode(form).encode()),
            )
    scopes = ",".join(
        f"ZohoCRM.modules.{chr(97 + a)}{chr(97 + b)}{chr(97 + c)}.READ"
        for a in range(9)
        for b in range(9)
        for c in range(9)
    )
    if "scope" in query:
        yield "many scopes", sent(urlencode({**query, "scope": scopes[:4096]}).encode()[:QUERY], b"")
    if "scope" in form:
        many = urlencode([*form.items(), *[("scope", f"s{number}") for number in range(400)]]).encode()
        yield "many scopes", sent(b"", many)


def attacks(places, known_requests, units):
    """An origin, a name and the bytes to send, one after the other: all of them at once would take gigabytes."""
    # To make these anew for every path takes longer than to send them.
    of_method = functools.cache(lambda method: list(hostile(method, units)))
    for origin, method, path in places:
        for name, sent in of_method(method):
            yield origin, f"{method} {path}: {name}", at(path, sent)
    for (origin, path), seeds in known_requests.items():
        for method, query, form, cookie in seeds:
            for name, sent in informed(method, path, query, form, cookie, units):
                yield origin, f"{method} {path}: {name}", sent


def cost(origins, origin, sent):
    before = origins.cpu()
    head, _ = origins.ask(origin, sent)
    assert not head.startswith(b"HTTP/1.1 500"), head
    return origins.cpu() - before


def test_no_stranger_takes_more_than_five_milliseconds_of_the_event_loop(origins, places, known_requests):
    slow = []
    for origin, name, sent in attacks(places, known_requests, UNITS):
        least = cost(origins, origin, sent)
        for tries in range(TRIES):
            # Twice, as the loop may have been collecting garbage; more often would take too long.
            if least <= MOST_SECONDS or (tries > 1 and least > 20 * MOST_SECONDS):
                break
            least = min(least, cost(origins, origin, sent))
        if least > MOST_SECONDS:
            slow.append(f"{least * 1000:.1f} ms: {name}")
        if least > 1 or len(slow) >= 20:
            break  # The rest would take as long.

    assert slow == []


def test_nor_more_than_100_kilobytes_beyond_what_is_being_read(origins, places, known_requests):
    tracemalloc.start()
    try:
        large = []
        for origin, name, sent in attacks(places, known_requests, LARGE):
            least = memory(origins, origin, sent)
            for _ in range(TRIES):
                if least <= MOST_MEMORY:
                    break
                least = min(least, memory(origins, origin, sent))
            if least > MOST_MEMORY:
                large.append(f"{least / 1000:.0f} kB: {name}")

        assert large == []
    finally:
        tracemalloc.stop()


def memory(origins, origin, sent):
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    origins.ask(origin, sent)
    # What is being read is there three times: as it came, as the parser cut it out, and as it is kept.
    return tracemalloc.get_traced_memory()[1] - before - 3 * len(sent)
