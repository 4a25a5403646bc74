"""A small real server that remembers what it was asked and answers what it was told."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Seen:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    peer: tuple[str, int]


@dataclass
class Reply:
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    delay: float = 0.0
    close: bool = False


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that does not wait for its answer is what some tests are about."""


class Recorder:
    """Answers every request with `reply`, which the first of `later` follows; `seen` holds the requests."""

    def __init__(self):
        self.reply = Reply()
        self.later = []
        self.seen = []
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answers(self, status=200, body=None, **headers):
        self.reply = self._reply(status, body, **headers)

    def answers_next(self, status=200, body=None, **headers):
        self.later.append(self._reply(status, body, **headers))

    def _reply(self, status, body, **headers):
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Reply(status, raw, {"Content-Type": "application/json"} | named)

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _handler(recorder):  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                recorder.seen.append(Seen(self.command, self.path, headers, body, self.client_address))
                reply = recorder.reply
                recorder.reply = recorder.later.pop(0) if recorder.later else reply
                time.sleep(reply.delay)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
                # The peer is not told that the connection ends, as when an idle one is closed.
                self.close_connection = reply.close

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

            def log_message(self, *_):
                pass

        return Handler
