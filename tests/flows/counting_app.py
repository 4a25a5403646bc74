"""An app outside, whose accounts server counts how often it is asked for a token."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PROVIDER = """
name = "counting"
title = "Counting"
authorization = "Bearer {{access_token}}"
authorize_path = "/authorize"
token_path = "/token"
refreshes = true
[data_centres.here]
api = "http://127.0.0.1:{port}/api"
accounts = "http://127.0.0.1:{port}"
"""
CLIENTS = json.dumps({"counting": {"client_id": "us", "client_secret": "hush"}})


class CountingApp:
    """`asked` counts the requests for a token. A call of the API with another token than the last is refused."""

    def __init__(self, seconds=0.3):
        self.asked = 0
        self._seconds, self._lock = seconds, threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def provider(self):
        return PROVIDER.format(port=self.port)

    @property
    def api(self):
        return f"http://127.0.0.1:{self.port}/api"

    def mint(self):
        with self._lock:
            self.asked += 1
        time.sleep(self._seconds)  # So that callers of all processes come meanwhile.
        return {"access_token": f"token-{self.asked}", "expires_in": 3600, "token_type": "Bearer"}

    def is_current(self, authorization):
        return authorization == f"Bearer token-{self.asked}"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


def _handler(app):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(200, app.mint())

        def do_GET(self):
            current = app.is_current(self.headers["Authorization"])
            self._answer(200 if current else 401, {"current": current})

        def _answer(self, status, document):
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler
