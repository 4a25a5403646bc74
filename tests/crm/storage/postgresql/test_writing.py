"""How PostgreSQL is written to: what jobs share, what a failed one undoes, and what others see of it."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from moorage.crm.metadata.standard import DEMO
from moorage.crm.query.tree import WordStarts
from moorage.crm.storage.contract.organisations import Place
from moorage.crm.storage.contract.records import StoreClosed
from moorage.crm.storage.postgresql import table_statistics, text_merging
from moorage.crm.storage.postgresql.schema import schema_of
from moorage.crm.storage.postgresql.schemas import PostgresqlSchemas
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.crm.storage.postgresql.statements import Statements
from moorage.storage.errors import DatabaseUnusable
from tests import forked
from tests.contracts.opened import Opened
from tests.contracts.organisation_storage import ONE, documents
from tests.crm.storage.postgresql import writing_process
from tests.crm.storage.postgresql.opening import PLACE, Processes, make_one
from tests.waiting import wait_until

SCHEMA = schema_of(ONE)
LIMITS = {
    "Last_Name": [
        "É\u0301 \U0001f6a2",
        "\x01\x7f\u2028",
        "'; DROP TABLE x; --",
        "\\N",
        "\\.",
        "%s %% {0}",
        "",
    ],
    "No_of_Employees": [-(2**63), 2**63 - 1, 0],
    "Annual_Revenue": [0.1, -0.0, 1e-320, 5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 1e16, 7],
    "Created_Time": [-(2**62), 0, 253402300799],
    "Email_Opt_Out": [0, 1],
    "Tag": ['[{"name":"a","id":"1"}]', "[]"],
}


@pytest.fixture
def processes(database_url, clock):
    make_one(database_url, clock)
    processes = Processes(database_url, clock)
    yield processes
    processes.close()


@pytest.fixture
def here(processes):
    return processes.open()


@pytest.fixture
def there(processes):
    return processes.open()


@pytest.fixture
def heard(monkeypatch):
    """Every statement of writing connections from here on."""
    statements = []

    def listen(name):
        original = getattr(psycopg.Cursor, name)

        def heard(cursor, query, *args, **options):
            statements.append(query)
            return original(cursor, query, *args, **options)

        monkeypatch.setattr(psycopg.Cursor, name, heard)

    for name in ("execute", "executemany", "copy"):
        listen(name)
    return statements


def insertion(opened, *names, module="Leads", field="Last_Name"):
    """A job that inserts a record for each of the names."""

    def job(transaction):
        ids = list(transaction.new_ids(len(names)))
        rows = [opened.row(module, record, **{field: name}) for record, name in zip(ids, names, strict=True)]
        transaction.insert(opened.module(module), rows)
        return ids

    return job


def in_one_group(opened, *jobs):
    """Run jobs that all wait, because another one is held up; gives their results and errors."""
    ready = threading.Event()

    async def run():
        first = opened.store.write(lambda _: ready.wait(20))
        waiting = [opened.store.write(job) for job in jobs]
        ready.set()
        return await asyncio.gather(first, *waiting, return_exceptions=True)

    return asyncio.run(run())[1:]


def tables(asked):
    sql = "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'"
    return {name for (name,) in asked(sql, SCHEMA)}


def test_a_new_organisation_has_no_table_for_any_module(here, asked):
    assert tables(asked) == {"metadata", "users", "counters"}
    assert here.ids("Leads") == []


def test_the_first_write_makes_a_modules_tables_and_the_store_goes_on(here, asked):
    leads = here.module("Leads")
    first = here.write(insertion(here, "one"))
    assert {leads.table, leads.text_table} <= tables(asked)
    assert not here.is_closed()
    assert here.write(insertion(here, "two")) > first
    assert here.count("Leads") == 2


def test_a_table_that_one_store_has_made_is_known_to_another_once_it_is_opened_anew(here, there, processes):
    assert there.ids("Leads") == []
    here.write(insertion(here, "one"))
    with pytest.raises(StoreClosed):
        there.write(insertion(there, "two"))
    assert there.store.closed
    again = processes.open()
    again.write(insertion(again, "two"))
    assert here.count("Leads") == 2 and not here.is_closed()


def test_two_stores_that_delete_for_the_first_time_make_one_recycle_bin(here, there, processes):
    leads = here.module("Leads")
    ids = here.write(insertion(here, "one", "two", "three"))
    there = processes.open()

    def deletion(record):
        return lambda transaction: transaction.recycle(leads, [record], here.user.id)

    def failing(transaction):
        deletion(ids[0])(transaction)
        raise ZeroDivisionError

    failed, kept = in_one_group(here, failing, deletion(ids[1]))  # What the first has made is undone.
    assert isinstance(failed, ZeroDivisionError) and kept == {ids[1]}
    [refused] = in_one_group(there, deletion(ids[2]))
    assert isinstance(refused, StoreClosed) and there.is_closed()
    assert in_one_group(processes.open(), deletion(ids[2])) == [{ids[2]}]
    assert [entry["id"] for entry in here.deleted("Leads")[0]] == [str(ids[2]), str(ids[1])]


def test_a_write_to_a_module_without_tables_finds_and_changes_nothing(here, asked):
    deals, quotes = here.module("Deals"), here.module("Quotes")

    def job(transaction):
        assert transaction.existing(deals, [1]) == set()
        assert transaction.rows(deals, [1]) == {}
        assert transaction.matching(deals, deals.fields["Deal_Name"], "a") == []
        assert transaction.aggregates(deals, deals.fields["Account_Name"], [], [1]) == {}
        transaction.update(deals, 1, {deals.fields["Deal_Name"].column: "a"})
        transaction.drop(deals, [1])
        return transaction.recycle(quotes, 1, here.user.id)

    assert here.write(job) is False
    assert here.deleted("Quotes") == ([], False)
    assert deals.table not in tables(asked)


def test_jobs_that_only_insert_share_a_few_statements(here, heard):
    here.write(insertion(here, "first"))
    heard.clear()
    results = in_one_group(here, *(insertion(here, f"n{n}") for n in range(40)))
    assert len({record for ids in results for record in ids}) == 40
    group = heard[[n for n, sql in enumerate(heard) if "FOR UPDATE" in sql][-1] :]
    assert len(group) <= 4, group
    assert here.count("Leads", [WordStarts(("n3",))]) == 11


def test_a_request_asks_no_more_for_a_hundred_records_than_for_ten(here, heard):
    leads = here.module("Leads")
    name = leads.fields["Last_Name"]

    def job(transaction, how_many):
        ids = insertion(here, *(f"n{n}" for n in range(how_many)))(transaction)
        transaction.transaction.update(leads, {record: {name.column: "new"} for record in ids})
        transaction.transaction.matching(leads, name, [f"m{n}" for n in range(how_many)])
        transaction.transaction.recycle(leads, ids, here.user.id)

    counts = []
    for how_many in (10, 10, 100):
        heard.clear()
        here.write(lambda transaction, how_many=how_many: job(transaction, how_many))
        counts.append(len(heard))
    assert counts[2] == counts[1] <= 12


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("unique", [(), ("Leads.Email",)])
def test_a_job_that_fails_undoes_its_own_part_of_a_group(database_url, clock, asked, asks, unique):
    """Whether it has only left rows to be written, or has run statements."""
    make_one(database_url, clock, replace(DEMO, unique=unique))
    processes = Processes(database_url, clock)
    here = processes.open()
    deals, number = here.module("Deals"), here.module("Quotes").fields["Quote_Number"]

    def good(transaction):
        if asks:
            transaction.existing(here.module("Leads"), [1])
        return insertion(here, "kept")(transaction)

    def bad(transaction):
        insertion(here, "gone")(transaction)
        insertion(here, "gone", module="Deals", field="Deal_Name")(transaction)
        if asks:
            transaction.next_numbers(number, 1)
        raise LookupError

    results = in_one_group(here, *(bad if n % 2 else good for n in range(12)))
    kept = [result[0] for result in results[::2]]
    assert all(isinstance(result, LookupError) for result in results[1::2])
    assert sorted(here.ids("Leads")) == kept
    assert here.ids("Leads", [WordStarts(("gone",))]) == []
    assert here.ids("Leads", [WordStarts(("kept",))], descending=False) == kept
    # What it had made is not there, and nobody believes it is.
    assert deals.table not in tables(asked)
    here.write(insertion(here, "later", module="Deals", field="Deal_Name"))
    assert here.count("Deals") == 1
    assert here.write(lambda transaction: transaction.next_numbers(number, 1)) == range(1, 2)
    processes.close()


def test_a_statement_that_fails_leaves_the_others_of_a_group(here):
    def bad(transaction):
        insertion(here, "gone")(transaction)
        transaction.existing(here.module("Leads"), ["no id"])

    good = insertion(here, "kept")
    good_one, bad_one, good_two, bad_two, good_three = in_one_group(here, good, bad, good, bad, good)
    assert isinstance(bad_one, psycopg.DataError) and isinstance(bad_two, psycopg.DataError)
    assert sorted(here.ids("Leads")) == [*good_one, *good_two, *good_three]
    assert here.count("Leads") == 3


def test_an_error_that_a_job_hides_is_no_success(here):
    def job(transaction):
        try:
            transaction.statements.run("SELECT 1 / 0")
        except psycopg.errors.DivisionByZero:
            return "done"

    with pytest.raises(DatabaseUnusable):
        here.write(job)
    assert here.write(insertion(here, "next"))


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_connection_that_is_lost_before_the_commit_is_no_success(here, asked, jobs):
    here.write(insertion(here, "first"))

    def job(transaction):
        ids = insertion(here, "lost")(transaction)
        ((pid,),) = transaction.statements.rows("SELECT pg_backend_pid()")
        asked(f"SELECT pg_terminate_backend({pid}, 10000)")
        return ids

    results = in_one_group(here, *[insertion(here, "lost")] * (jobs - 1), job)
    assert {type(result) for result in results} == {DatabaseUnusable}
    assert here.write(insertion(here, "next"))
    assert here.count("Leads") == 2


def test_a_connection_that_was_ended_while_it_was_idle_is_no_trouble(here, asked):
    here.write(insertion(here, "one"))
    asked(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    here.write(insertion(here, "two"))
    assert here.count("Leads") == 2


def test_a_writer_waits_for_that_of_another_process(here, there):
    entered, leave = threading.Event(), threading.Event()

    def hold(transaction):
        entered.set()
        leave.wait(20)
        return list(transaction.new_ids(1))

    async def run():
        holding = here.store.write(hold)
        await asyncio.to_thread(entered.wait, 20)
        waiting = there.store.write(lambda transaction: list(transaction.new_ids(1)))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        leave.set()
        return await holding, await waiting

    first, second = asyncio.run(run())
    assert first < second


def test_no_reader_waits_behind_a_change_of_fields_that_waits_for_a_long_scan(
    here, processes, database_url, asked
):
    here.write(insertion(here, "one"))
    leads, there = here.module("Leads"), processes.open()
    field = here.organisation.metadata.find("field", leads.fields["Phone"].id)
    unique = field.with_body(field.body | {"unique": {"case_sensitive": False}})
    waiting = (
        "SELECT true FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
        f" AND relation = '{SCHEMA}.{leads.table}'::regclass"
    )
    with psycopg.connect(database_url) as scan, ThreadPoolExecutor(1) as thread:
        scan.execute(f"SELECT count(*) FROM {SCHEMA}.{leads.table}")
        changing = thread.submit(here.change, lambda change: change.put(unique))
        for _ in range(3):
            wait_until(lambda: asked(waiting), 20)
            assert there.count("Leads") == 1
        assert not changing.done()
        scan.rollback()
        changing.result(30)


def test_values_at_their_limits_come_back_as_they_were(here):
    leads = here.module("Leads")

    def job(transaction):
        written = {}
        for name, values in LIMITS.items():
            for value in values:
                (record,) = transaction.new_ids(1)
                written[record] = name, value
                transaction.insert(leads, [here.row("Leads", record, **{name: value})])
        (single,) = transaction.new_ids(1)
        transaction.insert(leads, [here.row("Leads", single)])
        empty = transaction.row(leads, single)
        for record, (name, value) in written.items():
            expected = {**empty, "id": record, leads.fields[name].column: value}
            assert transaction.row(leads, record) == expected
            transaction.update(leads, single, here.row("Leads", single, **{name: value}))
            assert transaction.row(leads, single)[leads.fields[name].column] == value
        return written

    written = here.write(job)
    for record, (name, value) in written.items():
        # A row that is added alone is added by another statement.
        (alone,) = here.add("Leads", {name: value})
        row = here.write(lambda transaction, alone=alone: transaction.row(leads, alone))
        stored = row[leads.fields[name].column]
        assert stored == value and type(stored) in {type(value), float} and str(stored) != "-0.0", record


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_a_text_that_postgresql_can_not_hold_harms_nothing(here, value):
    """Values of requests were checked for that: a storage never gets one."""
    for names in ([value], [value, "other"]):
        with pytest.raises((psycopg.Error, UnicodeEncodeError)):
            here.write(insertion(here, *names))
    here.write(insertion(here, "next"))
    assert here.count("Leads") == 1


def test_unique_values_change_places_in_their_order(database_url, clock):
    make_one(database_url, clock, replace(DEMO, unique=("Leads.Email",)))
    processes = Processes(database_url, clock)
    here = processes.open()
    leads, email = here.module("Leads"), here.module("Leads").fields["Email"].column
    ids = here.add("Leads", *({"Email": f"{n}@x.example"} for n in range(5)))
    moved = {record: {email: f"{n + 1}@X.example"} for n, record in reversed(list(enumerate(ids)))}
    here.write(lambda transaction: transaction.transaction.update(leads, moved))
    rows = here.write(lambda transaction: transaction.rows(leads, ids))
    assert [rows[record][email] for record in ids] == [f"{n}@X.example" for n in range(1, 6)]
    processes.close()


def test_killed_processes_lose_and_repeat_nothing(database_url, clock, asked):
    """Two that insert into one organisation, again and again killed in the middle."""
    make_one(database_url, clock)
    acknowledged, numbers = [], count()
    root = Path(__file__).parents[4]
    for _ in range(3):
        command = [sys.executable, "-m", writing_process.__name__, database_url]
        writers = [forked.popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        for writer in writers:
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            for _ in range(60):
                acknowledged.append(int(writer.stdout.readline()))
                next(numbers)
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged += map(int, writer.communicate()[0].split("\n")[:-1])
    processes = Processes(database_url, clock)
    here = processes.open()
    stored = asked(f"SELECT id FROM {SCHEMA}.{here.module('Leads').table}")
    assert len(acknowledged) == len(set(acknowledged)) >= next(numbers)
    assert set(acknowledged) <= {record for (record,) in stored}
    employees = here.module("Leads").fields["No_of_Employees"].column
    [(used, last)] = asked(
        f"SELECT count(DISTINCT {employees}), max({employees}) FROM {SCHEMA}.{here.module('Leads').table}"
    )
    assert used == last == len(stored)
    # Nobody that was killed holds the organisation's turn.
    assert here.write(insertion(here, "next"))[0] > max(acknowledged)
    assert here.count("Leads", [WordStarts(("kept",))]) == len(stored)
    processes.close()


def test_new_words_are_merged_into_their_index_beside_the_writes(here, heard, monkeypatch):
    monkeypatch.setattr(text_merging, "MERGE", 30)
    for _ in range(2):
        here.write(insertion(here, *(f"n{n}" for n in range(20))))
    wait_until(lambda: text_merging.MERGE_WORDS in heard)
    assert here.count("Leads", [WordStarts(("n19",))]) == 2


def test_a_table_that_has_grown_is_looked_at_and_seldom(here, heard, monkeypatch, asked):
    monkeypatch.setattr(table_statistics, "MANY", 30)
    look = table_statistics.look_at(SCHEMA, here.module("Leads").table)
    for _ in range(5):
        here.write(insertion(here, *(f"n{n}" for n in range(20))))
    rows = f"SELECT reltuples FROM pg_class WHERE oid = '{SCHEMA}.{here.module('Leads').table}'::regclass"
    wait_until(lambda: asked(rows)[0][0] >= 40)
    assert heard.count(look) == 1
    here.write(insertion(here, *(f"n{n}" for n in range(60))))
    wait_until(lambda: heard.count(look) == 2)


def test_a_write_is_acknowledged_whatever_becomes_of_the_merging(here, monkeypatch):
    monkeypatch.setattr(text_merging, "MERGE", 1)
    monkeypatch.setattr(text_merging, "MERGE_WORDS", "SELECT gin_clean_pending_list(%s || 'missing')")
    here.write(insertion(here, "one"))
    here.write(insertion(here, "two"))
    assert here.count("Leads") == 2


def test_many_organisations_need_few_threads_and_connections(database_url, clock, asked):
    """Each has a writer of its own, which waits for one of the threads that all share."""
    many = [Place(f"n{number}", (2_000_000 + number) * 10**12 + 20_005) for number in range(12)]
    server = PostgresqlServer(database_url, writers=2)
    storage = PostgresqlSchemas(lambda _: server, clock)
    for place in many:
        storage.make(place, documents(place.identity), None)
    opened = [Opened(storage.open(place)) for place in many]

    threads = set()  # Not those of the whole process, because other tests of it may have servers.

    def noting(job):
        return lambda transaction: (threads.add(threading.get_ident()), job(transaction))

    async def together():
        jobs = [each.store.write(noting(insertion(each, "a"))) for _ in range(5) for each in opened]
        await asyncio.gather(*jobs)

    asyncio.run(together())
    assert [each.count("Leads") for each in opened] == [5] * len(many)
    writing = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE '%COMMIT'"
    )
    assert len(threads) <= 2 and asked(writing)[0][0] <= 4
    for each in opened:
        each.store.close()
    server.close()


def test_a_store_whose_server_is_closed_says_so_and_closes(database_url, clock):
    make_one(database_url, clock)
    server = PostgresqlServer(database_url)
    here = Opened(PostgresqlSchemas(lambda _: server, clock).open(PLACE))
    server.close()
    with pytest.raises(StoreClosed):
        here.write(insertion(here, "late"))
    here.store.close()


def test_what_need_not_last_by_itself_waits_for_no_disk(here, monkeypatch):
    commits, commit = [], Statements.commit

    def noted(statements, last):
        commits.append("SET LOCAL synchronous_commit = off" in last)
        commit(statements, last)

    monkeypatch.setattr(Statements, "commit", noted)
    for lasting in (False, True):
        here.write(lambda t: t.new_ids(1), lasting=lasting)
    assert commits == [True, False]
    ready = threading.Event()

    async def together():
        held = here.store.write(lambda _: ready.wait(10), lasting=False)
        waiting = [here.store.write(lambda t: t.new_ids(1), lasting=lasting) for lasting in (False, True)]
        ready.set()
        await asyncio.gather(held, *waiting)

    asyncio.run(together())
    assert not commits[-1]  # One of the group lasts.
