"""A notification whose change was acknowledged arrives, although the server was killed before its delivery."""

import json
import socket

from tests.crm.events.receiver import Receiver
from tests.flows.conftest import finish, start
from tests.waiting import wait_until

CRM = "/zoho-crm/crm/v8"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_what_was_acknowledged_is_told_after_a_kill(tmp_path):
    port = free_port()
    server = start(tmp_path / "home")
    channel = {"channel_id": "1", "events": ["Leads.create"], "notify_url": f"http://127.0.0.1:{port}/"}
    assert server.call("POST", f"{CRM}/actions/watch", {"watch": [channel]})[0] == 201
    status, _, body = server.call("POST", f"{CRM}/Leads", {"data": [{"Last_Name": "Hopper"}]})
    assert status == 201
    server.process.kill()
    finish(server)
    receiver = Receiver(port)
    server = start(tmp_path / "home", api_key=server.api_key)
    (told,) = wait_until(lambda: receiver.notifications, 60)[:1]
    assert told["ids"] == [json.loads(body)["data"][0]["details"]["id"]]
    finish(server)
    receiver.close()
