"""A server that is stopped while it sends a call that a person has approved."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.flows.conftest import connect_example, provider
from tests.flows.visitor import Visitor
from tests.waiting import wait_until


class SlowApp:
    """An app whose answers wait until they are `let_go`."""

    def __init__(self):
        self.calls, self._go = 0, threading.Event()
        app = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_DELETE(self):
                app.calls += 1
                assert app._go.wait(30)
                self.send_response(200)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"gone")

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def let_go(self):
        self._go.set()

    def stop(self):
        self._go.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def app():
    app = SlowApp()
    yield app
    app.stop()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_its_answer_is_kept_and_it_is_sent_once(own_server, tmp_path, app, workers):
    server = own_server()
    server.stop()
    (server.home / "providers").mkdir()
    (server.home / "providers" / "example.toml").write_text(provider(app.port))
    server = own_server("--workers", workers, api_key=server.api_key)
    connection = connect_example(server.home, f"http://127.0.0.1:{app.port}/base")
    body = {"name": "agent", "scopes": ["proxy:example"], "policy": {"mode": "strict"}}
    key = json.loads(server.call("POST", "/keys", body)[2])["secret"]
    agent = {"Authorization": f"Bearer {key}", "Maton-Connection": connection}
    status, _, text = server.call("DELETE", "/example/things/1", None, agent)
    assert status == 403, text
    error = json.loads(text)["error"]
    owner = Visitor(server)
    owner.join()
    owner.open(error["link"])
    owner.decide({"for": "once"})
    wait_until(lambda: app.calls == 1)
    threading.Timer(0.5, app.let_go).start()
    assert server.stop() == 0
    again = own_server("--workers", workers, api_key=server.api_key)
    approval = json.loads(again.call("GET", f"/approvals/{error['id']}", None, agent)[2])["approval"]
    assert approval["state"] == "sent", approval
    status, _, text = again.call("DELETE", "/example/things/1", None, agent)
    assert (status, text, app.calls) == (200, b"gone", 1)
