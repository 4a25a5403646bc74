"""A receiver of notifications, on a socket, and what makes the CRM deliver."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from moorage.addresses import Addresses
from moorage.crm.events.deliveries import Deliveries
from moorage.crm.events.sending import Sender
from moorage.crm.organisations.relay import Relay


class Receiver(ThreadingHTTPServer):
    """Keeps what it is sent. `answers` are the statuses of the next answers; then it says 200. None is no answer."""

    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.notifications, self.answers, self.is_over = [], [], threading.Event()
        self.location = None
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook"

    def told(self):
        """What has come since the last call of this."""
        come, self.notifications = self.notifications, []
        return come

    def close(self):
        self.is_over.set()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.notifications.append(body | {"path": self.path})
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status is None:
            self.server.is_over.wait()
            return
        self.send_response(status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def deliver(service, receivers=("local",)):
    """Deliver all that waits now, once."""

    async def once():
        organisations = service.organisations.wrapped
        deliveries = Deliveries(
            organisations, Sender(Addresses(receivers)), service.organisations.wrapped._clock
        )
        relay = Relay(organisations, deliveries.handle)
        await relay.look()
        await relay.ended()
        await deliveries.close()

    vars(service).get("_run", asyncio.run)(once())


def watch(caller, url, *events, channel_id="1", **members):
    """Enable a channel."""
    channel = {"channel_id": channel_id, "notify_url": url, "events": list(events), **members}
    answer = caller.post("actions/watch", {"watch": [channel]})
    assert answer.status == 201, answer.body
    return answer.json["watch"][0]["details"]["events"]
