"""What others rely on in the benchmarks: the names of the figures, the shape of the JSON, the same leads each time."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from benchmarks import client, data, load
from benchmarks.bare import BareReads
from benchmarks.figures import FIGURES, READS
from benchmarks.leads import FIVE_FIELDS, TWENTY_FIELDS, leads
from benchmarks.plan import plan
from benchmarks.report import document, table
from moorage.clock import SystemClock
from moorage.crm.metadata.standard import DEMO
from moorage.crm.records.changes import Change
from moorage.crm.records.prepare import to_insert
from moorage.crm.storage.sqlite.readers import connect
from moorage.crm.storage.sqlite.transaction import SqliteTransaction
from tests.crm.folder import organisations_in

NAMES = [figure.name for figure in FIGURES]
TARGETS = {figure.name: figure.target for figure in FIGURES if figure.target is not None}


def test_every_figure_has_a_name_of_its_own():
    assert len(set(NAMES)) == len(NAMES)


def test_the_figures_that_have_a_target_keep_their_names():
    assert TARGETS == {
        "gateway.1kb.c1.added_ratio": 4,
        "gateway.1kb.c32.nginx_ratio": 0.55,
        "gateway.60kb.c1.added_ratio": 4,
        "gateway.60kb.c32.nginx_ratio": 0.65,
        "gateway.memory_ratio": 1.4,
        "gateway.tls.1kb.c32.nginx_ratio": 0.45,
        "gateway.tls.60kb.c32.nginx_ratio": 0.8,
        "gateway.tls.memory_ratio": 1.4,
        "gateway.workers2.1kb.c32.nginx_ratio": 0.55,
        "gateway.workers2.60kb.c32.nginx_ratio": 0.65,
        "gateway.workers2.memory_ratio": 1.4,
        "requests.log.ratio": 0.97,
        "embedded.list_200x5.ratio": 1.25,
        "crm.list_200x5.ratio": 2.0,
        "crm.list_200x5.depth_50000.ratio": 2.0,
        "crm.list_200x5.depth_50000.depth_ratio": 1.3,
        "crm.list_200x20.ratio": 1.6,
        "crm.list_200x20.depth_50000.ratio": 1.6,
        "crm.list_200x20.depth_50000.depth_ratio": 1.3,
        "crm.get.floor_ratio": 2.0,
        "crm.search_email.floor_ratio": 4.0,
        "crm.search_word.ratio": 1.5,
        "crm.insert_batch_100.ratio": 2.0,
        "crm.insert_batch_100.c8.ratio": 1.5,
        "crm.insert_one.c32.ratio": 3.0,
        "crm.list_200x5.beside_writer.kept": 0.85,
        "crm.get.beside_writer.kept": 0.85,
        "events.insert_batch_100.cpu_ratio": 1.08,
        "events.postgresql.insert_batch_100.cpu_ratio": 1.08,
        "start.ratio": 3.0,
        "postgresql.list_200x5.sqlite_ratio": 0.55,
        "postgresql.list_200x5.ratio": 1.8,
        "postgresql.list_200x20.sqlite_ratio": 0.75,
        "postgresql.list_200x20.ratio": 1.5,
        "postgresql.get.sqlite_ratio": 0.45,
        "postgresql.search_email.sqlite_ratio": 0.65,
        "postgresql.search_email.ratio": 3.0,
        "postgresql.search_starts_with.sqlite_ratio": 0.7,
        "postgresql.search_word.sqlite_ratio": 0.4,
        "postgresql.insert_batch_100.sqlite_ratio": 0.75,
        "postgresql.insert_batch_100.c8.sqlite_ratio": 0.6,
        "postgresql.insert_one.c32.sqlite_ratio": 0.5,
        "postgresql.replicas2.list_200x5.speedup": 1.7,
        "postgresql.replicas2.list_200x5.cpu_speedup": 1.7,
        "postgresql.replicas2.get.speedup": 1.7,
        "postgresql.replicas2.get.cpu_speedup": 1.7,
        "postgresql.crowd.list.crowd_ratio": 1.2,
        "postgresql.crowd.get.crowd_ratio": 1.2,
        "postgresql.crowd.insert.crowd_ratio": 1.2,
        "postgresql.jobs.not_once": 0,
        "mcp.tools_list.bytes": 12_000,
        "mcp.2026-07-28.rest_ratio": 2.5,
        "mcp.2025-11-25.rest_ratio": 2.5,
        "mcp.callers.failed": 0,
        "mcp.memory.never_ratio": 1.02,
        "mcp.memory.more_mb": 40,
        "console.first_load.bytes": 60_000,
        "console.query_load.bytes": 200_000,
        "console.home.cpu_ms": 30,
        "console.connections.cpu_ms": 30,
        "console.requests.cpu_ms": 30,
        "console.requests_filtered.cpu_ms": 30,
        "console.errors.cpu_ms": 30,
        "console.call.cpu_ms": 30,
        "console.modules.cpu_ms": 30,
        "console.grid.cpu_ms": 30,
        "console.grid_filtered.cpu_ms": 30,
        "console.record.cpu_ms": 30,
        "console.approvals.cpu_ms": 30,
        "console.keys.cpu_ms": 30,
        "console.query.cpu_ms": 30,
        "console.limits.cpu_ms": 30,
        "console.audit.cpu_ms": 30,
        "console.grid.next_page.shown_ms": 100,
        "console.grid.middle.shown_ms": 100,
        "console.grid.end.shown_ms": 100,
        "console.grid.sort.shown_ms": 100,
        "coql.by_index.ratio": 1.6,
        "coql.one_join.ratio": 2.0,
        "bulk.read_x20.beside.list_200x5.kept": 0.85,
        "bulk.read_x20.beside.get.kept": 0.85,
        "bulk.write.beside.list_200x5.kept": 0.85,
        "bulk.write.beside.get.kept": 0.85,
        "files.sqlite.upload.copy_ratio": 0.5,
        "files.sqlite.download.copy_ratio": 0.5,
        "files.postgresql.upload.copy_ratio": 0.5,
        "files.postgresql.download.copy_ratio": 0.5,
    }


def test_only_ratios_sizes_and_what_people_wait_for_have_a_target():
    """Machines differ by two times and more in speed. But people wait for pages, whichever machine it is."""
    aimed = [figure for figure in FIGURES if figure.target is not None]
    assert {figure.unit for figure in aimed if not figure.name.startswith("console.")} == {"x", "bytes", "MB"}


def test_the_page_explains_the_last_part_of_every_name():
    page = (Path(__file__).parents[1] / "docs" / "benchmarks.md").read_text()
    explained = set(re.findall(r"`[^`]*?(\w+)`", page))
    assert {name.rpartition(".")[2] for name in NAMES} - explained == set()


def test_the_document_holds_every_figure_whatever_was_measured():
    written = json.loads(json.dumps(document({"crm.get.per_second": [7_000.0, 9_000.0, 8_500.0]})))
    assert [figure["name"] for figure in written["figures"]] == NAMES
    assert all(
        figure.keys() == {"name", "value", "unit", "target", "better"} for figure in written["figures"]
    )
    values = {figure["name"]: figure["value"] for figure in written["figures"]}
    assert {name: value for name, value in values.items() if value is not None} == {
        "crm.get.per_second": 8_500
    }


def test_a_figure_that_is_in_no_table_is_refused():
    with pytest.raises(AssertionError, match="not in the table"):
        document({"crm.guess": [1.0]})


def test_the_table_tells_which_targets_were_met():
    measured = {"crm.get.beside_writer.kept": [0.9], "crm.list_200x5.ratio": [3.0], "start.seconds": [0.5]}
    ratio, kept, start = table(measured).splitlines()[2:]
    assert "| at most 2 " in ratio and "missed" in ratio
    assert "| at least 0.85 | met" in kept
    assert "met" not in start and "missed" not in start


def test_an_answer_is_held_against_all_that_it_needs():
    answers = [load.Sample(100.0), load.Sample(50.0)]
    constants = [load.Sample(400.0), load.Sample(400.0)]
    statements = [load.Sample(400.0), load.Sample(100.0)]
    # 10 ms against 2.5 and 2.5, then 20 ms against 2.5 and 10.
    assert load.times_the_sum(answers, constants, statements) == pytest.approx([2.0, 1.6])


def test_a_lead_is_the_same_whichever_others_are_generated_with_it():
    assert list(leads(5, 2)) == list(leads(4, 4))[1:3]
    assert next(leads(0, 1))["Email"] == "neldanulyor.rosvinbel0@example.com"


def test_generated_leads_are_what_the_crm_accepts(tmp_path):
    organisations = organisations_in(tmp_path / "crm", SystemClock())
    row = organisations.create("bench", DEMO, sample=False)
    organisation = organisations.open(row.id)
    module = organisation.catalog.modules["Leads"]
    assert set(FIVE_FIELDS) | set(TWENTY_FIELDS) <= set(module.fields)
    connection = connect(tmp_path / "crm" / "orgs" / "bench.db")
    draft = SqliteTransaction(connection, organisation.catalog, organisation.prefix, 0)
    outcomes = Change(organisation, module, 1, draft).insert(
        to_insert(organisation.catalog, module, list(leads(0, 20)))
    )
    connection.close()
    organisations.close()
    assert [outcome.status for outcome in outcomes] == [201] * 20


def test_every_read_can_be_asked_of_the_bare_database_as_often_as_one_likes(tmp_path):
    built = data.prepare(tmp_path, 600)
    plan_made = asyncio.run(plan(built.folder, built.count))
    assert list(plan_made.reads) == list(READS)
    for read in plan_made.reads.values():
        bare = BareReads(built.folder / "orgs" / "bench.db", plan_made.organisation, read.answers)
        assert json.loads(bare.rows()[0][-1])["id"]
        assert bare.run(0.01).per_second > 0
        bare.close()


def test_requests_are_read_as_they_were_written():
    requests = [load.raw("GET", "/a", {"Accept": "*/*"}), load.raw("POST", "/b", {}, b"1\n2\r\n")]
    with load.written(requests) as file:
        assert list(client.read(file)) == requests
