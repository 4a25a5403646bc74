"""A server that is stopped while it sends a call that a person has approved."""

import json
import threading

import pytest

from tests.flows.visitor import Visitor
from tests.gateway.wire import OK
from tests.waiting import wait_until


@pytest.mark.parametrize("workers", ["1", "2"])
def test_its_answer_is_kept_and_it_is_sent_once(home, own_server, connect, upstream, workers):
    may_answer = threading.Event()

    def deletions():
        """The page of the call reads what is there, so the app is asked for more than the deletion."""
        return [request for request in upstream.requests if request.startswith(b"DELETE ")]

    def answer(_connection):
        return OK if not deletions() or may_answer.wait(30) else None

    upstream.script = [answer]
    server = own_server("--workers", workers)
    connection = connect()
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
    wait_until(deletions)
    threading.Timer(0.5, may_answer.set).start()
    assert server.stop() == 0
    again = own_server("--workers", workers, api_key=server.api_key)
    approval = json.loads(again.call("GET", f"/approvals/{error['id']}", None, agent)[2])["approval"]
    assert approval["state"] == "sent", approval
    status, _, text = again.call("DELETE", "/example/things/1", None, agent)
    assert (status, text, len(deletions())) == (200, OK.partition(b"\r\n\r\n")[2], 1)
