"""Which organisations have events, and that each event is handled, in order, whatever happens meanwhile."""

import asyncio
import signal
import sys
import textwrap
from dataclasses import dataclass, field

import pytest

from moorage.clock import SystemClock
from moorage.crm.metadata.standard import DEMO
from moorage.crm.organisations.relay import LEASE, REST, Relay
from moorage.crm.organisations.relay import Handled as Done
from moorage.crm.organisations.service import Organisations
from moorage.crm.storage.postgresql.schemas import PostgresqlSchemas
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.crm.storage.sqlite.storage import SqliteStorage
from tests import forked
from tests.crm.folder import organisations_in
from tests.waited import Waited


@dataclass
class Handled:
    """Keeps what it is given."""

    names: list[str] = field(default_factory=list)

    async def __call__(self, organisation, claim):
        self.names.extend(event.payload for event in claim.events)
        return Done(len(claim.events))


async def relayed(organisations, handle):
    """One look at all organisations, and all that comes of it."""
    relay = Relay(organisations, handle)
    await relay.look()
    await relay.ended()


@pytest.fixture(params=["sqlite", "postgresql"])
def process(request, tmp_path, clock):
    """The organisations, as a process has them that is started now."""
    opened = []

    def start():
        storage, server = SqliteStorage(tmp_path, clock), None
        if request.param == "postgresql":
            server = PostgresqlServer(request.getfixturevalue("database_url"))
            storage.organisations.close()
            storage.organisations = PostgresqlSchemas(lambda _: server, clock)
        organisations = Organisations(storage, tmp_path / "snapshots", clock)

        async def close():
            await organisations.close()
            await storage.close()
            if server is not None:
                server.close()

        opened.append(Waited(organisations, close))
        return opened[-1]

    yield start
    for organisations in opened:
        organisations.close()


@pytest.fixture
def here(process):
    organisations = process()
    organisations.create("acme", DEMO, sample=False)
    handled(organisations)
    return organisations


def emit(organisations, *names, slug="acme", kind="k"):
    async def write():
        row = await organisations.wrapped.find(slug)
        store = (await organisations.wrapped.open(row.id)).store
        await store.write(lambda transaction: [transaction.emit(kind, name) for name in names])

    asyncio.run(write())


def handled(organisations, handle=None):
    handle = handle or Handled()
    asyncio.run(relayed(organisations.wrapped, handle))
    return getattr(handle, "names", None)


def rested(organisations, clock):
    """What is handled until the organisations rest."""
    names = handled(organisations)
    clock.advance(REST)
    return names + handled(organisations)


def waiting(organisations):
    return list(asyncio.run(organisations.wrapped.waiting.all()))


def test_an_organisation_waits_from_its_first_event_until_it_rests(here, clock):
    row = here.find("acme")
    assert waiting(here) == []
    emit(here, "a", "b")
    emit(here, "c")
    assert waiting(here) == [row.id]
    assert handled(here) == ["a", "b", "c"]
    assert waiting(here) == [row.id]
    assert rested(here, clock) == []
    assert waiting(here) == []
    emit(here, "d")
    assert handled(here) == ["d"]


def test_more_events_than_are_handled_at_once_come_in_order(here, monkeypatch):
    monkeypatch.setattr("moorage.crm.organisations.relay.MOST", 2)
    emit(here, *"abcde")
    assert handled(here) == list("abcde")


def test_an_event_that_comes_between_the_look_and_the_end_of_the_wait_is_handled(here, monkeypatch, clock):
    emit(here, "a")
    clear = here.wrapped.waiting.clear

    async def late(organisation, number):
        row = await here.wrapped.open(organisation)
        await row.store.write(lambda transaction: transaction.emit("k", "late"))
        await clear(organisation, number)

    monkeypatch.setattr(here.wrapped.waiting, "clear", late)
    assert rested(here, clock) == ["a"]
    monkeypatch.undo()
    assert waiting(here) == [here.find("acme").id]
    assert handled(here) == ["late"]


def test_a_look_that_is_cleared_very_late_hides_nothing(here, clock):
    emit(here, "a")
    [(row, number)] = asyncio.run(here.wrapped.waiting.all()).items()
    assert rested(here, clock) == ["a"]
    emit(here, "b")
    assert rested(here, clock) == ["b"]
    emit(here, "c")
    asyncio.run(here.wrapped.waiting.clear(row, number))
    assert handled(here) == ["c"]


def test_what_fails_comes_again_after_its_lease_and_holds_up_no_other_organisation(here, clock):
    here.create("other", DEMO, sample=False)
    emit(here, "a")
    emit(here, "b", slug="other")
    acme, seen = here.find("acme").id, []

    async def fail(organisation, claim):
        seen.extend(event.payload for event in claim.events)
        if organisation == acme:
            raise ArithmeticError
        return Done(len(claim.events))

    handled(here, fail)
    assert sorted(seen) == ["a", "b"]
    assert handled(here) == []
    clock.advance(LEASE)
    assert handled(here) == ["a"]


def test_a_line_that_fails_or_takes_long_holds_up_no_other_line(here, clock):
    emit(here, "a1", "a2", kind="fails")
    emit(here, "b1", kind="takes long")
    emit(here, "c1", "c2", kind="goes well")
    tries, went_well = [], asyncio.Event()

    async def handle(_, claim):
        tries.extend(event.payload for event in claim.events)
        if claim.kind == "goes well":
            went_well.set()
        if claim.kind == "takes long":
            await went_well.wait()
        return Done(1, pause=10) if claim.kind == "fails" else Done(len(claim.events))

    handled(here, handle)
    assert sorted(tries) == ["a1", "a2", "b1", "c1", "c2"]
    assert handled(here) == []
    clock.advance(10)
    assert handled(here) == ["a2"]


def test_a_relay_notices_at_once_what_its_own_process_writes(here, monkeypatch):
    monkeypatch.setattr("moorage.crm.organisations.relay.PAUSE", 3600)

    async def write_and_wait():
        seen, is_handled = [], asyncio.Semaphore(0)

        async def handle(_, claim):
            seen.extend(event.payload for event in claim.events)
            is_handled.release()
            return Done(len(claim.events))

        task = asyncio.create_task(Relay(here.wrapped, handle).run())
        store = (await here.wrapped.open((await here.wrapped.find("acme")).id)).store
        async with asyncio.timeout(60):
            for n in range(5):
                await store.write(lambda transaction, n=n: transaction.emit("k", n))
                await is_handled.acquire()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return seen

    assert asyncio.run(write_and_wait()) == [0, 1, 2, 3, 4]


def test_who_is_cancelled_gives_the_events_back(here):
    emit(here, "a")

    async def cancelled():
        begun = asyncio.Event()

        async def wait(*_):
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(Relay(here.wrapped, wait).run())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert handled(here) == ["a"]


def test_fields_that_change_while_events_are_handled_bring_none_again(here):
    emit(here, "a")
    seen = []

    async def change(organisation, claim):
        seen.extend(event.payload for event in claim.events)
        opened = await here.wrapped.open(organisation)
        user = opened.metadata.all("user")[0]
        await opened.store.change_metadata(lambda change: change.put(user))
        return Done(len(claim.events))

    handled(here, change)
    assert handled(here) == []
    assert seen == ["a"]


def test_processes_that_write_and_relay_at_once_lose_and_repeat_nothing(here, process):
    there, seen, most = process(), Handled(), 30

    async def write(organisations, name):
        row = await organisations.find("acme")
        for n in range(most):
            store = (await organisations.open(row.id)).store
            await store.write(lambda transaction, n=n: transaction.emit("k", f"{name}{n}"))

    async def take(organisations):
        while len(seen.names) < 2 * most:
            await relayed(organisations, seen)

    async def together():
        one, two = here.wrapped, there.wrapped
        async with asyncio.timeout(60):
            await asyncio.gather(write(one, "a"), write(two, "b"), take(one), take(two))

    asyncio.run(together())
    for name in "ab":
        assert [seen_name for seen_name in seen.names if seen_name[0] == name] == [
            f"{name}{n}" for n in range(most)
        ]


def test_events_that_a_snapshot_brings_back_are_waited_for_and_a_reset_has_none(here, tmp_path):
    emit(here, "a")
    here.snapshot("acme", tmp_path / "snapshot")
    here.reset("acme")
    assert handled(here) == []
    here.restore("acme", tmp_path / "snapshot")
    assert waiting(here) == [here.find("acme").id]
    assert handled(here) == ["a"]


def test_a_restore_that_was_killed_before_its_end_hides_no_events(here, tmp_path, monkeypatch):
    emit(here, "a")
    here.snapshot("acme", tmp_path / "snapshot")
    here.reset("acme")
    assert handled(here) == []

    async def die(_):
        raise ArithmeticError

    monkeypatch.setattr(here.wrapped.registry, "announce", die)
    with pytest.raises(ArithmeticError):
        here.restore("acme", tmp_path / "snapshot")
    monkeypatch.undo()
    here.forget()
    assert handled(here) == ["a"]


def test_a_deleted_organisation_does_not_wait(here):
    emit(here, "a")
    here.delete("acme")
    assert waiting(here) == []


def test_an_event_that_nobody_could_be_told_of_is_not_written(here, monkeypatch):
    async def fail(_):
        raise ArithmeticError

    monkeypatch.setattr(here.wrapped.waiting, "wake", fail)
    here.forget()
    with pytest.raises(ArithmeticError):
        emit(here, "a")
    monkeypatch.undo()
    here.forget()
    emit(here, "b")
    assert handled(here) == ["b"]


def test_a_process_that_finds_events_nobody_waits_for_makes_them_known(here, process):
    """As after a restore whose process was killed before it could say so."""
    emit(here, "a")
    [(row, number)] = asyncio.run(here.wrapped.waiting.all()).items()
    asyncio.run(here.wrapped.waiting.clear(row, number))
    emit(here, "b")
    assert handled(here) == []
    there = process()
    emit(there, "c")
    assert handled(there) == ["a", "b", "c"]


KILLED = """
    import asyncio, os, signal, sys
    from pathlib import Path
    from moorage.clock import SystemClock
    from moorage.crm.organisations.relay import Relay
    from moorage.crm.organisations.service import Organisations
    from moorage.crm.storage.sqlite.storage import SqliteStorage

    async def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    async def main(folder):
        clock = SystemClock()
        await Relay(Organisations(SqliteStorage(folder, clock), folder / "snapshots", clock), die).run()

    asyncio.run(main(Path(sys.argv[1])))
"""


def test_events_of_a_relay_that_was_killed_are_handled_by_another(tmp_path):
    organisations = organisations_in(tmp_path, clock := Later())
    organisations.create("acme", DEMO, sample=False)
    emit(organisations, "a", "b")
    program = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)]
    assert forked.run(program).returncode == -signal.SIGKILL
    assert handled(organisations) == []
    clock.seconds = LEASE
    assert handled(organisations) == ["a", "b"]
    organisations.close()


class Later(SystemClock):
    """The time of the machine, and so many seconds later."""

    seconds = 0

    def timestamp(self):
        return super().timestamp() + self.seconds
