"""Two processes write to one organisation at the same time, as two workers do."""

import json

from moorage.clock import FrozenClock
from tests.crm.conftest import Caller
from tests.crm.folder import crm_in
from tests.preloaded import context
from tests.waited import Waited

WRITES = 25


def insert(folder, now, token, name, begin, results):
    service = Waited(crm_in(folder, FrozenClock(now)))
    caller = Caller(service, token, 0)
    begin.wait(30)
    answers = [caller.post("Leads", {"data": [{"Last_Name": f"{name} {n}"}] * 3}) for n in range(WRITES)]
    service.close()
    results.put([(answer.status, [r["details"]["id"] for r in answer.data]) for answer in answers])


def test_what_two_processes_write_at_once_is_all_there_and_found(crm, clock, tmp_path):
    begin, results = context.Barrier(2), context.Queue()
    names = ("apple", "pear")
    processes = [
        context.Process(target=insert, args=(tmp_path / "crm", clock.now(), crm.token, name, begin, results))
        for name in names
    ]
    for process in processes:
        process.start()
    answers = [answer for _ in processes for answer in results.get(timeout=60)]
    for process in processes:
        process.join(30)
    assert {status for status, _ in answers} == {201}
    ids = [record_id for _, some in answers for record_id in some]
    assert len(set(ids)) == len(ids) == 2 * WRITES * 3
    assert json.loads(crm.get("Leads/actions/count").body) == {"count": len(ids)}
    shown = [record["id"] for record in crm.get("Leads", fields="id").data]
    assert shown == sorted(ids, reverse=True)
    for name in names:
        assert crm.get("Leads/actions/count", word=name).json == {"count": WRITES * 3}
