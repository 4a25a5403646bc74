"""A read that takes long holds nobody up."""

import asyncio
import threading
from urllib.parse import urlencode

import apsw
import pytest

from moorage.http.message import Request, Response

SLOW = {
    "sort": ("search", {"criteria": "(Email_Opt_Out:equals:false)", "sort_by": "Annual_Revenue"}),
    "scan": ("search", {"criteria": "(Annual_Revenue:greater_than:1)"}),
    "count": ("actions/count", {"criteria": "(Annual_Revenue:greater_than:1)"}),
}


class Held:
    """Queries that begin in threads of their own do not end before they are let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self._let_go = threading.Event()

    def hook(self, connection: apsw.Connection) -> None:
        connection.exec_trace = self._hold

    def _hold(self, _cursor, sql: str, _values) -> bool:
        if threading.current_thread().name.startswith("crm-read") and sql.startswith("SELECT"):
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


@pytest.mark.parametrize("kind", SLOW)
def test_gets_and_lists_are_answered_while_one_runs_that_no_index_backs(crm, held, kind):
    (record,) = crm.insert("Leads", {"Last_Name": "Smith", "Annual_Revenue": 7})
    path, params = SLOW[kind]

    def ask(path, **params):
        headers = [(b"authorization", b"Zoho-oauthtoken " + crm.token.encode())]
        target = f"/crm/v8/Leads{path}".encode()
        return crm.service.answer(Request("GET", target, urlencode(params).encode(), headers))

    async def both():
        slow = asyncio.ensure_future(ask(f"/{path}", **params))
        assert await asyncio.to_thread(held.begun.wait, 10)
        quick = [ask(f"/{record}"), ask("", fields="Last_Name")]
        still_running = not slow.done()
        held.let_go()
        return still_running, quick, await slow

    still_running, quick, slow = asyncio.run(both())
    assert still_running
    assert [answer.status for answer in quick if isinstance(answer, Response)] == [200, 200]
    assert slow.status == 200
