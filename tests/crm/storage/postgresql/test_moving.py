"""An organisation moves from one PostgreSQL server to another, and loses nothing: in use, and killed at any step."""

import asyncio
import functools
import json
import subprocess
import sys
import time

import psycopg
import pytest

from moorage.crm.errors import OrganisationInvalid
from moorage.crm.metadata.standard import DEMO
from moorage.crm.organisations.moves import moves
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.old_tags import creation
from moorage.storage.errors import DatabaseUnusable
from tests import forked
from tests.contracts.record_files import ONE as PARTS
from tests.contracts.record_files import finish
from tests.crm.storage.postgresql import on_servers
from tests.crm.storage.postgresql.on_servers import Process
from tests.crm.test_relay import Handled, relayed

pytestmark = pytest.mark.usefixtures("sent")

# At which of them the organisation is at its new place, once others look after it.
STEPS = {
    "begun": None,
    "tables": None,
    "rows": None,
    "changes": None,
    "indexes": None,
    "rounds": None,
    "last changes": None,
    "copied": None,
    "handed over": "two",
    "arrived": "two",
    "removed": "two",
}


def quiet(*_):
    pass


def in_a_loop(test):
    @functools.wraps(test)
    def waited(*args, **kwargs):
        asyncio.run(test(*args, **kwargs))

    return waited


@pytest.fixture
def servers(new_database):
    return {"main": new_database(), "others": {"two": new_database()}}


@pytest.fixture
def process(tmp_path, servers):
    return lambda: Process(tmp_path / "crm", servers["main"], servers["others"])


def schemas(url):
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'org%'").fetchall()
    return [name for (name,) in rows]


def contents(url):
    """All rows of an organisation's schema, by table."""
    with psycopg.connect(url) as connection:
        [schema] = schemas(url)
        names = "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'"
        tables = [name for (name,) in connection.execute(names, (schema,))]
        return {
            name: sorted(row[0] for row in connection.execute(f"SELECT r::text FROM {schema}.{name} r"))
            for name in tables
            if name not in {"counters", "changed"}
        }


def add_old_tag(url):
    with psycopg.connect(url, autocommit=True) as connection:
        [schema] = schemas(url)
        connection.execute(creation(f"{schema}.", "bigint"))
        connection.execute(f"INSERT INTO {schema}.tags VALUES (7, 1, 'tree')")


def relations(url):
    """All indexes and columns of an organisation's schema."""
    with psycopg.connect(url) as connection:
        [schema] = schemas(url)
        indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = %s ORDER BY 1"
        columns = (
            "SELECT table_name, column_name, data_type, collation_name, column_default, is_nullable"
            " FROM information_schema.columns WHERE table_schema = %s ORDER BY table_name, ordinal_position"
        )
        return [connection.execute(sql, (schema,)).fetchall() for sql in (indexes, columns)]


@in_a_loop
async def test_all_of_it_moves_there_and_back(process, servers):
    here, there = servers["main"], servers["others"]["two"]
    async with process() as one:
        await one.organisations.create("acme", DEMO, sample=True)
        before, layout = contents(here), relations(here)
        await one.organisations.move("acme", "two", quiet)
        assert await one.server("acme") == "two"
        assert schemas(here) == []
        assert contents(there) == before
        assert relations(there) == layout
        last = (await one.add("acme", "Cruz"))[0]
        await one.organisations.move("acme", "main", quiet)
        assert await one.server("acme") is None
        assert schemas(there) == []
        assert (await one.names("acme"))[last] == "Cruz"
        assert (await one.add("acme", "Diaz"))[0] > last


@in_a_loop
async def test_what_writes_change_meanwhile_arrives(process, servers):
    async with process() as one:
        await one.organisations.create("acme", DEMO, sample=False)
        first, second, third = await one.add("acme", "Ash", "Birch", "Cedar")
        add_old_tag(servers["main"])
        await one.organisations.forget()

        def change(tx, organisation):
            leads = organisation.catalog.modules["Leads"]
            name = leads.display.column
            tx.update(leads, {first: {name: "Elm"}})
            tx.recycle(leads, [second], by=organisation.metadata.all("user")[0].id)
            assert tx.take_old_tags() == [(7, 1, "tree")]
            tx.next_numbers(leads.fields["Last_Name"], 3)
            for name in "abc":
                tx.emit("k", name)
            ids = list(tx.new_ids(2))
            tx.companions.put([Companion(number, "lock", first) for number in ids])
            companions.extend(ids)
            content = tx.files.begin_content()
            tx.files.add_parts(content, PARTS)
            finish(tx, content)

        def take(tx, _):
            assert tx.outbox.settle(tx.outbox.claim("k", 1, 60), 1)
            tx.companions.remove(companions[:1])
            tx.bin.forget([second])
            return tx.outbox.claim("k", 1, 60)

        def during(step, *_):
            if step == "indexes" and "Deals" not in done:
                asyncio.run_coroutine_threadsafe(one.change("acme", change), loop).result()
                asyncio.run_coroutine_threadsafe(one.add("acme", "Deal", module="Deals"), loop).result()
                done.append("Deals")
            if step == "last changes":
                held.append(asyncio.run_coroutine_threadsafe(one.change("acme", take), loop).result())
                seen.append(contents(servers["main"]))

        loop, done, seen, held, companions = asyncio.get_running_loop(), [], [], [], []
        await one.organisations.move("acme", "two", during)
        assert contents(servers["others"]["two"]) == seen[0]
        assert await one.names("acme") == {first: "Elm", third: "Cedar"}
        assert list((await one.names("acme", "Deals")).values()) == ["Deal"]
        assert await one.change("acme", lambda tx, _: tx.outbox.claim("k", 9, 60)) is None
        assert await one.change("acme", lambda tx, _: tx.outbox.settle(held[0], 1))
        kept = await one.change("acme", lambda tx, _: tx.companions.of("lock", [first]))
        assert [companion.id for companion in kept[first]] == companions[1:]
        handled = Handled()
        await relayed(one.organisations, handled)
        assert handled.names == ["c"]


@in_a_loop
async def test_a_change_of_the_fields_meanwhile_lets_the_copy_begin_again(process):
    async with process() as one:
        await one.organisations.create("acme", DEMO, sample=False)
        await one.add("acme", "Ash")

        async def rename():
            async def call(organisation):
                user = organisation.metadata.all("user")[0]
                await organisation.store.change_metadata(lambda tx: tx.put(user))

            await one.call("acme", call)

        def during(step, *_):
            steps.append(step)
            if step == "rounds" and "once more" not in steps:
                asyncio.run_coroutine_threadsafe(rename(), loop).result()

        loop, steps = asyncio.get_running_loop(), []
        await one.organisations.move("acme", "two", during)
        assert steps.count("once more") == 1
        assert await one.server("acme") == "two"
        assert list((await one.names("acme")).values()) == ["Ash"]


@in_a_loop
async def test_it_moves_between_two_servers_while_others_read_and_write(
    tmp_path, new_database, new_postgresql
):
    others = {"two": new_postgresql().url}
    main = new_database()
    one, two = (Process(tmp_path / "crm", main, others) for _ in range(2))
    async with one, two:
        await one.organisations.create("acme", DEMO, sample=False)
        for part in range(20):
            await one.add("acme", *(f"Lead {part} {n}" for n in range(200)))
        acknowledged, waits, is_over = {}, [], asyncio.Event()

        async def write(process, name):
            for number in range(1_000_000):
                if is_over.is_set():
                    return
                began = time.monotonic()
                names = [f"{name} {number} {n}" for n in range(5)]
                ids = await process.add("acme", *names)
                waits.append(time.monotonic() - began)
                acknowledged.update(zip(ids, names, strict=True))

        async def read(process):
            while not is_over.is_set():
                expected = dict(acknowledged)
                names = await process.names("acme")
                assert expected.items() <= names.items()

        async def move():
            for server in ("two", "main", "two"):
                await one.organisations.move("acme", server, quiet)
                await asyncio.sleep(0.2)
            is_over.set()

        tasks = [write(one, "one"), write(two, "two"), read(one), read(two), move()]
        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)
        assert await two.server("acme") == "two"
        names = await two.names("acme")
        assert acknowledged.items() <= names.items()
        assert len(names) == 4000 + len(acknowledged)
        assert schemas(main) == []
        print(f"{len(waits)} writes; the longest took {max(waits) * 1000:.0f} ms")
        assert max(waits) < 10


@pytest.mark.parametrize("step", STEPS)
@in_a_loop
async def test_killed_at_a_step_it_is_whole_and_in_one_place(tmp_path, process, servers, step):
    async with process() as one:
        await one.organisations.create("acme", DEMO, sample=False)
        added = await one.add("acme", "Ash", "Birch")
    command = [
        sys.executable, "-m", on_servers.__name__, tmp_path / "crm", servers["main"], json.dumps(servers["others"]),
        "two", step,
    ]  # fmt: skip
    killed = await asyncio.to_thread(forked.run, command, stderr=subprocess.PIPE, text=True)
    assert killed.returncode == -9, killed.stderr
    async with process() as one, process() as two:
        assert list(await one.names("acme")) == added
        added += await two.add("acme", "Cedar")
        await one.organisations.create("other", DEMO, sample=False)
        assert await one.server("acme") == STEPS[step]
        assert list(await one.names("acme")) == list(await two.names("acme")) == added
        here, there = servers["main"], servers["others"]["two"]
        assert (
            len(schemas(there if STEPS[step] else here)) + len(schemas(here if STEPS[step] else there)) == 2
        )
        async with one.database.reading() as tx:
            assert (await tx.connection.execute(moves.select())).all() == []
        await one.organisations.move("acme", "main" if STEPS[step] else "two", quiet)
        assert list(await two.names("acme")) == added


@in_a_loop
async def test_who_stops_a_move_stops_it_before_the_new_place_is_used(process, servers):
    async with process() as one:
        await one.organisations.create("acme", DEMO, sample=False)
        added = await one.add("acme", "Ash")
        task = None

        def during(step, *_):
            if step == "indexes":
                loop.call_soon_threadsafe(task.cancel)
                time.sleep(0.2)

        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(one.organisations.move("acme", "two", during))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await one.server("acme") is None
        assert schemas(servers["others"]["two"]) == []
        assert list(await one.names("acme")) == added


@in_a_loop
async def test_a_server_that_is_the_same_database_is_refused(tmp_path, servers):
    async with Process(tmp_path / "crm", servers["main"], {"same": servers["main"]}) as one:
        await one.organisations.create("acme", DEMO, sample=False)
        row = await one.organisations.find("acme")
        other = "main" if row.server else "same"
        with pytest.raises(OrganisationInvalid, match="has a schema org_7243485 already"):
            await one.organisations.move("acme", other, quiet)
        assert await one.names("acme") == {}


@pytest.mark.parametrize(("server", "message"), [("tow", "Did you mean"), ("main", "already")])
@in_a_loop
async def test_a_server_that_is_none_or_the_same_is_refused(process, server, message):
    async with process() as one:
        await one.organisations.create("acme", DEMO, sample=False)
        with pytest.raises(OrganisationInvalid, match=message):
            await one.organisations.move("acme", server, quiet)


@in_a_loop
async def test_new_ones_go_where_there_is_most_room(process):
    async with process() as one:
        for slug in ("one", "two", "three"):
            await one.organisations.create(slug, DEMO, sample=slug == "one")
        assert [await one.server(slug) for slug in ("one", "two", "three")] == [None, "two", "two"]


@in_a_loop
async def test_a_server_that_is_not_named_or_down_concerns_only_its_organisations(tmp_path, servers):
    main, two = servers["main"], servers["others"]["two"]
    async with Process(tmp_path / "crm", main, {"two": two}) as one:
        await one.organisations.create("here", DEMO, sample=False)
        await one.organisations.create("there", DEMO, sample=False)
        assert await one.server("there") == "two"
    for others, message in (
        ({}, "'two', which MOORAGE_CRM_SERVERS"),
        ({"two": "postgresql://127.0.0.1:1/x"}, "database"),
    ):
        async with Process(tmp_path / "crm", main, others) as one:
            assert await one.names("here") == {}
            with pytest.raises(DatabaseUnusable, match=message):
                await one.names("there")
            await one.organisations.create(f"more-{len(others)}", DEMO, sample=False)
            assert await one.server(f"more-{len(others)}") is None
