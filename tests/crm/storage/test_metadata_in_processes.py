"""Metadata change in one process while others read and write: no process uses the old metadata, also after a kill."""

import asyncio
import json
import os
import signal

import apsw
import pytest

from moorage.clock import FrozenClock
from moorage.crm.storage.sqlite import metadata_change
from moorage.crm.storage.sqlite.change_mark import ChangeMark
from tests.contracts.metadata_changes import add, link, named
from tests.contracts.opened import Opened
from tests.crm.conftest import Caller
from tests.crm.folder import crm_in, organisations_in
from tests.preloaded import context
from tests.waited import Waited

FIELDS = 12


def insert_and_list(folder, now, token, changed, done, results):
    """Use each field as soon as another process has an acknowledgement of it."""
    service = Waited(crm_in(folder, FrozenClock(now)))
    caller = Caller(service, token, 0)
    caller.get("settings/fields", module="Leads")
    seen = []
    while (name := changed.get(timeout=30)) is not None:
        fields = json.loads(caller.get("settings/fields", module="Leads").body)["fields"]
        inserted = caller.post("Leads", {"data": [{"Last_Name": "a", name: f"value of {name}"}]})
        (record,) = (outcome["details"]["id"] for outcome in inserted.data)
        listed = caller.get("Leads", ids=record, fields=name).data[0]
        records = caller.get("Leads/search", criteria=f"({name}:equals:value of {name})").data
        seen.append(
            (
                name in {field["api_name"] for field in fields},
                listed.get(name),
                [r["id"] for r in records] == [record],
            )
        )
        done.put(name)
    service.close()
    results.put(seen)


def test_a_field_that_was_acknowledged_is_there_in_every_process(crm, service, clock, tmp_path):
    changed, done, results = context.Queue(), context.Queue(), context.Queue()
    arguments = (tmp_path / "crm", clock.now(), crm.token, changed, done, results)
    other = context.Process(target=insert_and_list, args=arguments)
    other.start()
    for number in range(FIELDS):
        store = service.organisations.open(crm.organisation).store
        asyncio.run(store.change_metadata(add(named(f"Berth_{number}"))))
        changed.put(f"Berth_{number}")
        done.get(timeout=30)
    changed.put(None)
    assert results.get(timeout=30) == [(True, f"value of Berth_{n}", True) for n in range(FIELDS)]
    other.join(30)


def link_and_list(folder, now, token, changed, done):
    """Link a lead to a product by each field as soon as another process was told that it is there."""
    service = Waited(crm_in(folder, FrozenClock(now)))
    caller = Caller(service, token, 0)
    (product,) = caller.insert("Products", {"Product_Name": "Buoy"})
    while (name := changed.get(timeout=30)) is not None:
        modules = caller.get("settings/modules").json["modules"]
        (lead,) = caller.insert("Leads", {"Last_Name": "a", name: [{name: {"id": product}}]})
        shown = [link[name]["name"] for link in caller.only(f"Leads/{lead}")[name]]
        linking = [module["api_name"] for module in modules if module["generated_type"] == "linking"]
        done.put((linking, shown, len(caller.get(linking[0], fields=name).data)))
    service.close()


def test_a_module_that_was_acknowledged_is_there_in_every_process(crm, service, clock, tmp_path):
    changed, done = context.Queue(), context.Queue()
    arguments = (tmp_path / "crm", clock.now(), crm.token, changed, done)
    other = context.Process(target=link_and_list, args=arguments)
    other.start()
    for number in range(3):
        store = service.organisations.open(crm.organisation).store
        asyncio.run(store.change_metadata(link("Leads", f"Boats_{number}", "Products")))
        changed.put(f"Boats_{number}")
        linking, shown, _ = done.get(timeout=30)
        assert (len(linking), shown) == (number + 1, ["Buoy"])
    changed.put(None)
    other.join(30)


def change_and_die(folder, clock, identity, last, job):
    """Change the metadata in a child that dies at its statement `last`; gives how many there were, if it did not."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            count = 0

            def statement(*_):
                nonlocal count
                if count == last:
                    os.kill(os.getpid(), signal.SIGKILL)
                count += 1
                return True

            organisations = organisations_in(folder, clock)
            store = organisations.open(identity).store
            apsw.connection_hooks.append(lambda connection: setattr(connection, "exec_trace", statement))
            asyncio.run(store.change_metadata(job))
            os.write(write, str(count).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as counted:
        told = counted.read()
    os.waitpid(child, 0)
    return int(told) if told else None


@pytest.mark.slow
def test_whichever_statement_it_was_killed_at(tmp_path, clock, service, crm):
    folder = tmp_path / "crm"
    opened = Opened(service.organisations.open(crm.organisation))
    (old,) = opened.add("Leads", {"Last_Name": "old"})
    job, last = add(named("Berth"), named("Quay")), 0
    while change_and_die(folder, clock, crm.organisation, last, job) is None:
        again = Opened(service.organisations.open(crm.organisation))
        names = {"Berth", "Quay"} & again.module("Leads").fields.keys()
        assert names in (set(), {"Berth", "Quay"})
        values = dict.fromkeys(names, "north")
        (record,) = again.add("Leads", {"Last_Name": "new"} | values)
        assert crm.only(f"Leads/{record}")["Last_Name"] == "new"
        assert crm.get("Leads/search", word="north").status == (200 if names else 204)
        assert crm.only(f"Leads/{old}")["Last_Name"] == "old"
        if names:
            ids = [again.module("Leads").fields[name].id for name in names]
            again.change(lambda change, ids=ids: change.remove(ids))
            assert crm.delete(f"Leads/{record}").status == 200
        last += 1
    assert last > 10


@pytest.mark.slow
def test_a_new_module_is_there_whole_or_not_at_all_whenever_it_was_killed(tmp_path, clock, service, crm):
    folder, job = tmp_path / "crm", link("Leads", "Boats", "Products")
    (product,) = crm.insert("Products", {"Product_Name": "Buoy"})
    last = 0
    while change_and_die(folder, clock, crm.organisation, last, job) is None:
        again = Opened(service.organisations.open(crm.organisation))
        is_there = "Boats" in again.module("Leads").fields
        linking = [name for name in again.organisation.catalog.modules if name.startswith("Leads_X")]
        lists = crm.get("settings/related_lists", module="Products").json["related_lists"]
        assert linking == ["Leads_X_Products"] * is_there
        assert is_there is any(one["type"] == "multiselectlookup" for one in lists)
        (lead,) = crm.insert("Leads", {"Last_Name": "a", "Boats": [{"Boats": {"id": product}}]})
        assert len(crm.only(f"Leads/{lead}").get("Boats", ())) == is_there
        if is_there:
            field = again.module("Leads").fields["Boats"].id
            answer = crm.call("DELETE", f"settings/fields/{field}", {"module": "Leads"})
            assert answer.status == 200
        last += 1
    assert last > 20


def test_a_store_looks_only_when_some_metadata_may_have_changed(service, crm, make_organisation, monkeypatch):
    looks = []
    real = metadata_change.version
    monkeypatch.setattr("moorage.crm.storage.sqlite.store.version", lambda c: looks.append(1) or real(c))
    store = service.organisations.open(crm.organisation).store
    make_organisation("other")
    other = service.organisations.open(service.organisations.find("other").id).store
    looks.clear()
    assert [store.closed for _ in range(5)] == [False] * 5
    looks.clear()
    asyncio.run(other.change_metadata(add(named("Berth"))))
    looks.clear()
    assert [store.closed for _ in range(5)] == [False] * 5 and len(looks) == 1
    assert other.closed


def test_while_somebody_changes_metadata_every_store_looks(service, crm, tmp_path):
    store = service.organisations.open(crm.organisation).store
    elsewhere = ChangeMark(tmp_path / "crm" / "changes")
    with elsewhere.changing():
        assert not store.closed and store._seen != elsewhere.now()
    assert not store.closed and store._seen == elsewhere.now()


def test_without_a_mark_every_store_looks_always(tmp_path):
    (tmp_path / "file").touch()
    mark = ChangeMark(tmp_path / "file" / "changes")
    assert mark.now() is None
    with mark.changing():
        pass
