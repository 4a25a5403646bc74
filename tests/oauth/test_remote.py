"""Calls to servers outside, over real sockets: what they carry, what they follow, and how they fail."""

import asyncio
import http.server
import threading
from contextlib import closing

import pytest

from moorage.oauth.transport import remote
from moorage.oauth.transport.contract import HttpCall, Unanswered
from moorage.oauth.transport.remote import RemoteTransport
from tests.certificate import certify


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen = []
        self.answer = b'{"a": 1}'
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        match self.path:
            case "/moved":
                self.send_response(302)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()
            case "/nonsense":
                self.wfile.write(b"this is no HTTP\r\n\r\n")
            case "/cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"short")
            case "/large":
                self._answer(b"x" * (remote.MAX_ANSWER + 1))
            case _:
                self._answer(self.server.answer)

    def do_POST(self):
        self.do_GET()

    def _answer(self, body):
        self.send_response(200)
        self.send_header("Set-Cookie", "session=1; Path=/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with closing(Server()) as server:
        yield server


def send(*calls):
    async def sent():
        opened = RemoteTransport()
        try:
            return [await opened.send(call) for call in calls]
        finally:
            await opened.close()

    return asyncio.run(sent())


def test_an_answer_is_given_with_the_other_sides_time(server):
    [reply] = send(HttpCall("POST", f"{server.url}/token", {"Content-Type": "text/plain"}, b"secret=1"))
    assert (reply.status, reply.body) == (200, b'{"a": 1}')
    assert reply.date > 1_700_000_000
    method, path, headers, body = server.seen[0]
    assert (method, path, body) == ("POST", "/token", b"secret=1")
    assert headers["Accept"] == "application/json" and headers["User-Agent"].startswith("moorage/")


def test_redirects_are_not_followed(server):
    [reply] = send(HttpCall("GET", f"{server.url}/moved"))
    assert reply.status == 302 and [path for _, path, _, _ in server.seen] == ["/moved"]


def test_cookies_are_not_kept(server):
    send(HttpCall("GET", f"{server.url}/a"), HttpCall("GET", f"{server.url}/b"))
    assert all("Cookie" not in headers for _, _, headers, _ in server.seen)


def test_proxies_of_the_environment_are_not_asked(server, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert send(HttpCall("GET", server.url))[0].status == 200


@pytest.mark.parametrize("path", ["/nonsense", "/cut", "/large"])
def test_what_is_no_whole_answer_may_have_arrived(server, path):
    with pytest.raises(Unanswered) as caught:
        send(HttpCall("POST", f"{server.url}{path}", {}, b"refresh_token=secret"))
    assert caught.value.sent and "secret" not in str(caught.value)


def test_a_server_that_does_not_answer_may_have_been_reached(monkeypatch):
    monkeypatch.setattr(remote, "WHOLE_SECONDS", 0.2)

    async def ask():
        gone = asyncio.Event()

        async def silent(reader, writer):
            await reader.read()
            writer.close()
            await writer.wait_closed()
            gone.set()

        listening = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        opened = RemoteTransport()
        try:
            await opened.send(HttpCall("POST", f"http://127.0.0.1:{port}/", {}, b"x"))
        finally:
            await opened.close()
            listening.close()
            await gone.wait()

    with pytest.raises(Unanswered, match="in time") as caught:
        asyncio.run(ask())
    assert caught.value.sent


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://nowhere.invalid/"])
def test_a_server_that_is_not_there_was_sent_nothing(url):
    with pytest.raises(Unanswered, match="could not be reached") as caught:
        send(HttpCall("POST", url, {}, b"x"))
    assert not caught.value.sent


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    context, _ = certify(tmp_path / "server.pem", "127.0.0.1")

    async def ask():
        listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
        port = listening.sockets[0].getsockname()[1]
        opened = RemoteTransport()
        try:
            await opened.send(HttpCall("POST", f"https://127.0.0.1:{port}/", {}, b"x"))
        finally:
            await opened.close()
            listening.close()

    with pytest.raises(Unanswered) as caught:
        asyncio.run(ask())
    assert not caught.value.sent
