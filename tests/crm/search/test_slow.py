"""A read that takes long holds nobody up."""

import asyncio
import json
import threading
from urllib.parse import urlencode

import apsw
import pytest

from moorage.crm.storage.sqlite import readers
from moorage.http.message import Request, Response

SLOW = {
    "sort": ("search", {"criteria": "(Email_Opt_Out:equals:false)", "sort_by": "Annual_Revenue"}),
    "scan": ("search", {"criteria": "(Annual_Revenue:greater_than:1)"}),
    "count": ("actions/count", {"criteria": "(Annual_Revenue:greater_than:1)"}),
}


class Held:
    """Scans and sorts, which run in threads of their own, do not end before they are let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self._let_go = threading.Event()

    def hook(self, connection: apsw.Connection) -> None:
        connection.exec_trace = self._hold

    def _hold(self, _cursor, sql: str, _values) -> bool:
        if threading.current_thread().name.startswith("crm-read-scan") and sql.startswith("SELECT"):
            self.begun.set()
            return self._let_go.wait(10)
        return True

    def let_go(self) -> None:
        self._let_go.set()


@pytest.fixture
def held():
    held = Held()
    apsw.connection_hooks.append(held.hook)
    yield held
    apsw.connection_hooks.remove(held.hook)
    held.let_go()


def ask(crm, path, **params):
    headers = [(b"authorization", b"Zoho-oauthtoken " + crm.token.encode())]
    target = f"/crm/v8/Leads{path}".encode()
    return crm.service.answer(Request("GET", target, urlencode(params).encode(), headers))


@pytest.mark.parametrize("kind", SLOW)
def test_gets_and_lists_are_answered_while_one_runs_that_no_index_backs(crm, held, kind):
    (record,) = crm.insert("Leads", {"Last_Name": "Smith", "Annual_Revenue": 7})
    path, params = SLOW[kind]

    async def both():
        slow = asyncio.ensure_future(ask(crm, f"/{path}", **params))
        assert await asyncio.to_thread(held.begun.wait, 10)
        quick = [ask(crm, f"/{record}"), ask(crm, "", fields="Last_Name")]
        still_running = not slow.done()
        held.let_go()
        return still_running, quick, await slow

    still_running, quick, slow = asyncio.run(both())
    assert still_running
    assert [answer.status for answer in quick if isinstance(answer, Response)] == [200, 200]
    assert slow.status == 200


@pytest.mark.parametrize("wanted", [{"word": "Smi"}, {"criteria": "(Last_Name:starts_with:Smi)"}])
def test_searches_of_the_full_text_do_not_wait_for_those_that_look_at_every_record(crm, held, wanted):
    crm.insert("Leads", {"Last_Name": "Smith", "Annual_Revenue": 7})
    path, params = SLOW["scan"]

    async def both():
        slow = [asyncio.ensure_future(ask(crm, f"/{path}", **params)) for _ in range(5)]
        assert await asyncio.to_thread(held.begun.wait, 10)
        answer = await ask(crm, "/search", **wanted)
        still_running = not any(search.done() for search in slow)
        held.let_go()
        return still_running, answer, await asyncio.gather(*slow)

    still_running, answer_found, slow = asyncio.run(both())
    assert still_running
    assert json.loads(answer_found.body)["data"][0]["Last_Name"] == "Smith"
    assert [slow_search.status for slow_search in slow] == [200] * 5


@pytest.mark.parametrize("kind", SLOW)
def test_a_read_that_takes_too_long_is_refused_with_what_to_do(crm, monkeypatch, kind):
    crm.insert("Leads", {"Last_Name": "Smith", "Annual_Revenue": 7})
    path, params = SLOW[kind]
    monkeypatch.setattr(readers, "THREAD_SECONDS", 0)
    refused = crm.get(f"Leads/{path}", **params)
    assert (refused.status, refused.json["code"], refused.json["status"]) == (400, "REQUEST_TIMEOUT", "error")
    assert "sort by id, Created_Time or Modified_Time" in refused.json["message"]
    assert crm.only("Leads", fields="Last_Name")["Last_Name"] == "Smith"
    monkeypatch.undo()
    assert crm.get(f"Leads/{path}", **params).status == 200
