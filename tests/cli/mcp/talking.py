"""A server that answers messages as a test says, and a proxy whose input and output a test has in its hands."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain

from moorage.cli.mcp.proxy import Proxy

MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}


class Scripted(ThreadingHTTPServer):
    """`answer(message)` gives a status, a media type, and the body or its pieces; None waits until the caller goes."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.seen, self.gone = [], queue.Queue()
        self.answer = lambda message: (200, "application/json", result(message["id"], {}))
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request, client_address):
        """A caller that goes away is what some tests are about."""

    def methods(self):
        return [message["method"] for _, message in self.seen]

    def headers(self, number=-1):
        return {name.lower(): value for name, value in self.seen[number][0].items()}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message = json.loads(body)
        self.server.seen.append((self.headers, message | {"path": self.path, "raw": body}))
        answer = self.server.answer(message)
        if answer is None:
            self.connection.recv(1)
            self.server.gone.put(message["id"])
            self.close_connection = True
            return
        status, media_type, body = answer
        pieces = [body] if isinstance(body, bytes) else body
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in chain(pieces, [b""]):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def log_message(self, *_):
        pass


class Talk:
    """A proxy in a thread. `say` gives it a line, `heard` waits for one of its answers."""

    def __init__(self, connect, path="/mcp"):
        self._lines, self._out = queue.Queue(), queue.Queue()
        proxy = Proxy(connect, path, self._out.put)
        self._thread = threading.Thread(target=proxy.run, args=(iter(self._lines.get, None),))
        self._thread.start()

    def say(self, message):
        self._lines.put(message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n")

    def heard(self):
        line = self._out.get(timeout=20)
        assert line.endswith(b"\n") and line.count(b"\n") == 1
        return json.loads(line)

    def ask(self, method, message_id=1, **params):
        self.say(request(method, message_id, **params))
        return self.heard()

    def end(self):
        """Everything that was said, and not yet heard, when the input has ended."""
        self._lines.put(None)
        self._thread.join(20)
        assert not self._thread.is_alive()
        return [json.loads(line) for line in self._out.queue]


def request(method, message_id=1, **params):
    return {"jsonrpc": "2.0", "id": message_id, "method": method, "params": {"_meta": MODERN, **params}}


def result(message_id, members):
    return json.dumps({"jsonrpc": "2.0", "id": message_id, "result": members}).encode()
