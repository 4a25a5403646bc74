"""A move that ends early leaves an organisation whole, in one place."""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from moorage.clock import FrozenClock
from moorage.crm.metadata.standard import DEMO
from moorage.crm.organisations import departing
from moorage.crm.organisations.departures import Departures
from moorage.crm.secret_key import SecretFiles
from moorage.crm.service import CrmService
from moorage.crm.storage.postgresql.departing import HeldSchema
from moorage.crm.storage.postgresql.storage import PostgresqlStorage
from moorage.crm.storage.sqlite.departing import HeldFile
from moorage.storage import lease
from moorage.storage.errors import DatabaseUnusable
from tests.crm.conftest import BEGIN, Caller
from tests.crm.departing.moved import (
    BEFORE_THE_END,
    CATCHING_UP,
    HANDING_OVER,
    REMOVING,
    arrive,
    move,
    slugs,
    what_is_left,
)
from tests.crm.folder import ORIGIN, crm_in
from tests.preloaded import context


def test_a_copy_that_another_process_has_taken_away_is_not_used(crm, service, way, beside):
    """As it does if this process could not renew its lock."""
    source, target = way
    caller, other = arrive(crm, source, service), beside(target)

    def take_away(step):
        if step == HANDING_OVER:
            with ThreadPoolExecutor(1) as thread:
                thread.submit(other.organisations.remove_unfinished).result()

    with pytest.raises(DatabaseUnusable, match="taken the copy away"):
        move(source, "acme", target, take_away)
    assert (slugs(source), slugs(target)) == (["acme"], [])
    caller.insert("Leads", {"Last_Name": "goes on"})


@pytest.mark.parametrize("step", [*BEFORE_THE_END, HANDING_OVER, "Writes waited", REMOVING])
def test_a_move_that_dies_leaves_it_whole_in_one_place_and_can_be_repeated(
    crm, service, way, step, monkeypatch, database_url, tmp_path
):
    crm.insert("Leads", {"Last_Name": "kept"})
    source, target = way
    arrive(crm, source, service)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        move(source, "acme", target, dies_at(step, patch))
    used = [side for side in (source, target) if is_answered(side, crm)]
    if step in BEFORE_THE_END:
        assert used == [source]
        assert what_is_left(tmp_path / "crm", database_url) != []
    elif step == HANDING_OVER:
        assert used == []
        with pytest.raises(DatabaseUnusable, match="is on its way"):
            source.organisations.open(crm.organisation)
    else:
        assert used == [target]
    if step in (CATCHING_UP, REMOVING):  # Any other work on whole organisations clears away what is left.
        for side in (source, target):
            side.organisations.create("other", DEMO, sample=False)
            side.organisations.delete("other")
        assert what_is_left(tmp_path / "crm", database_url) == []
    move(source, "acme", target)
    assert (slugs(source), slugs(target)) == ([], ["acme"])
    assert is_answered(target, crm)
    Caller(target, crm.token, crm.organisation).insert("Leads", {"Last_Name": "goes on"})
    assert what_is_left(tmp_path / "crm", database_url) == []


def die_in(folder, url, direction, shared):
    """Move it in this process, which dies while writers are held."""
    lease.LASTS, lease._RENEWED = 3, 0.3  # So nobody waits for long after the end of this process.
    clock = FrozenClock(BEGIN)
    here = crm_in(folder, clock)
    there = CrmService(
        PostgresqlStorage(url, clock, 6), shared, clock, ORIGIN, None, SecretFiles(shared), here
    )
    source, target = (here, there) if direction == "to postgresql" else (there, here)

    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    HeldFile.close = HeldSchema.close = die
    asyncio.run(source.move("acme", target, lambda _: None, dry_run=False))


def test_a_killed_process_leaves_it_whole_where_it_was(crm, service, way, database_url, tmp_path):
    crm.insert("Leads", {"Last_Name": "kept"})
    source, target = way
    arrive(crm, source, service)
    direction = "to postgresql" if source is service else "to sqlite"
    arguments = tmp_path / "crm", database_url, direction, tmp_path / "shared"
    process = context.Process(target=die_in, args=arguments)
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    assert is_answered(source, crm) and not is_answered(target, crm)
    move(source, "acme", target)
    assert is_answered(target, crm) and (slugs(source), slugs(target)) == ([], ["acme"])
    assert what_is_left(tmp_path / "crm", database_url) == []


class Killed(BaseException):
    """Nothing of the process runs after it."""


def dies_at(last, monkeypatch):
    """Dies when a step is told, or once writers are held. Nothing is cleared away."""

    def die(step):
        if step.startswith(last):
            raise Killed

    def die_held(*_args):
        raise Killed

    async def die_again(*_args):
        raise Killed

    monkeypatch.setattr(departing.Departure, "_undo", die_again)
    if last in BEFORE_THE_END:
        monkeypatch.setattr(Departures, "_end", die_again)
    if last == "held":
        monkeypatch.setattr(HeldFile, "close", die_held)
        monkeypatch.setattr(HeldSchema, "close", die_held)
    return die


def is_answered(side, crm):
    answer = Caller(side, crm.token, crm.organisation).get("Leads", fields="Last_Name")
    assert answer.status in (200, 401, 503), answer.body
    if answer.status == 200:
        assert [record["Last_Name"] for record in answer.data] == ["kept"]
    return answer.status == 200
