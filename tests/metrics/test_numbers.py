"""What the metrics say, on both kinds of control database, without a socket."""

import asyncio
import contextlib
import re
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from moorage.counts import COUNTS
from moorage.metrics import readings
from moorage.metrics.numbers import Numbers, Times
from moorage.metrics.table import METRICS, TIMES
from moorage.metrics.text import text_of
from moorage.oauth.errors import TokenFailed
from moorage.policies import Decision, Verdict
from tests.calls import add, noted
from tests.metrics.scraped import number, samples_of


def samples(control):
    if control.rooms.request_writer is not None:
        control.run(control.rooms.request_writer.write())
    return samples_of(control.run(control.rooms.metrics.text()))


def log(control, owner, decision=None, **members):
    add(control.rooms.request_notes, noted(owner.account, **members), decision)


def test_calls_are_counted_by_what_they_do_and_how_they_ended_without_a_log(control, owner):
    log(control, owner)
    log(control, owner, status=404)
    log(control, owner, method="DELETE", status=403, source="gateway", error="policy_denied",
        decision=Decision(None, Verdict("deny", "No.")))  # fmt: skip
    log(control, owner, status=0, source="gateway", error="caller_gone")
    seen = samples(control)
    calls = {"2xx": 1, "4xx": 2, "none": 1}
    assert {f: number(seen, "moorage_requests_total", app="zoho-crm", status=f) for f in calls} == calls
    assert number(seen, "moorage_requests_total", **{"class": "read"}, source="upstream") == 2
    assert number(seen, "moorage_requests_total", **{"class": "destructive"}) == 1
    assert number(seen, "moorage_gateway_errors_total", code="policy_denied") == 1
    assert number(seen, "moorage_policy_decisions_total", decision="deny") == 1
    assert number(seen, "moorage_request_log_waiting") == 0


def test_times_are_those_of_the_app_and_the_rest(control, owner):
    log(control, owner)  # 5 ms, of which the app took 3.
    seen = samples(control)
    for whose, seconds, end in (("request", 0.005, 0.005), ("app", 0.003, 0.005), ("gateway", 0.002, 0.0025)):
        name = f"moorage_{whose}_duration_seconds"
        assert number(seen, f"{name}_sum") == pytest.approx(seconds)
        below = TIMES[TIMES.index(end) - 1]
        assert number(seen, f"{name}_bucket", le=f"{below:g}") == 0
        assert number(seen, f"{name}_bucket", le="0.01") == number(seen, f"{name}_count") == 1


def test_what_the_database_knows_is_counted_without_names(control, owner):
    control.organisation("acme")
    owner.connect("acme")
    owner.connect()
    ends = control.clock.now() + timedelta(days=3)
    control.run(control.rooms.keys.create(owner.account, "soon", expires_at=ends))
    control.run(control.rooms.jobs.put_timed(["requests.prune"]))
    text = control.run(control.rooms.metrics.text())
    seen = samples_of(text)
    assert number(seen, "moorage_connections", app="zoho-crm", status="active") == 1
    assert number(seen, "moorage_connections", status="pending") == 1
    assert number(seen, "moorage_jobs", state="waiting") == 1
    assert number(seen, "moorage_jobs", state="failed") == number(seen, "moorage_approvals_waiting") == 0
    assert number(seen, "moorage_next_key_end_timestamp_seconds") == ends.timestamp()
    assert number(seen, "moorage_database_up") == 1 and number(seen, "moorage_vault_locked") == 0
    assert not {"acme", "owner", "soon"} & set(text.decode().replace('"', " ").split())


def test_the_fullest_window_and_each_renewal_are_counted(control, owner, monkeypatch):
    control.organisation("acme")
    connection = control.run(control.rooms.connections.get(owner.account, owner.connect("acme")["id"]))
    before = COUNTS.numbers.copy()
    for token in ("a", "b"):  # What the app refuses is renewed.
        stored = control.run(control.rooms.tokens.access(connection)).value
        assert token and control.run(control.rooms.tokens.access(connection, instead_of=stored))

    async def fail(*_):
        raise TokenFailed("It is away.", may_have_minted=True)

    monkeypatch.setattr(control.rooms.renewals, "_refresh", fail)
    stored = control.run(control.rooms.tokens.access(connection)).value
    with pytest.raises(Exception, match="accounts"):
        control.run(control.rooms.tokens.access(connection, instead_of=stored))
    made = COUNTS.numbers - before
    assert made["moorage_token_refreshes_total", "zoho-crm", "ok"] == 2
    assert made["moorage_token_refreshes_total", "zoho-crm", "failed"] == 1
    assert made["moorage_token_mints_total", "zoho-crm"] == 2
    assert number(samples(control), "moorage_mint_window_tokens") == 3  # The third may have been made.


@pytest.mark.parametrize("trouble", ["slow", "away", "wrong"])
def test_a_database_that_does_not_answer_costs_its_numbers_alone(control, owner, monkeypatch, trouble):
    enough = asyncio.Event()

    async def look(tx):
        if trouble == "slow":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(enough.wait(), 20)
        statement = {"slow": "SELECT 1", "away": "SELECT 1 FROM absent", "wrong": "SELEC 1"}[trouble]
        await tx.connection.exec_driver_sql(statement)
        return {}

    log(control, owner)
    monkeypatch.setattr(readings, "PATIENCE", 0.05)
    control.rooms.metrics._readings._readings["moorage_jobs"] = look
    seen = samples(control)
    assert number(seen, "moorage_requests_total") == 1
    assert number(seen, "moorage_database_up") == 0
    assert number(seen, "moorage_connections") is None
    enough.set()
    if (running := control.rooms.metrics._readings._running) is not None:
        control.run(asyncio.wait([running]))


def test_numbers_of_the_database_are_read_once_for_some_seconds(control, owner):
    assert number(samples(control), "moorage_connections") is None
    owner.connect()
    assert number(samples(control), "moorage_connections") is None


def test_every_metric_has_a_meaning_and_the_form_that_prometheus_reads():
    numbers = Numbers()
    times = Times()
    times.add([0.3])
    for metric in METRICS:
        key = metric.name, *('a "b"\\\n' for _ in metric.labels)
        part = {"counter": numbers.counters, "gauge": numbers.gauges, "histogram": numbers.times}[metric.kind]
        part[key] = times if metric.kind == "histogram" else 1.5
    families = {family.name: family for family in text_string_to_metric_families(text_of(numbers).decode())}
    assert len(families) == len(METRICS)
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name]
        assert (family.type, family.documentation) == (metric.kind, metric.meaning)
        assert metric.name.startswith("moorage_") and metric.name.endswith("_total") == (
            metric.kind == "counter"
        )
        for sample in family.samples:
            assert {value for label, value in sample.labels.items() if label != "le"} <= {'a "b"\\\n'}
    infinite = families["moorage_app_duration_seconds"].samples[len(TIMES)]
    assert (infinite.labels["le"], infinite.value) == ("+Inf", 1)


def test_the_page_has_every_metric_as_it_is():
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(moorage_\w+)` \| (\w+) \|(.*?)\| (.*) \|$", page, re.MULTILINE)
    shown = [(name, kind, tuple(re.findall(r"`(\w+)`", labels)), text) for name, kind, labels, text in rows]
    assert shown == [(metric.name, metric.kind, metric.labels, metric.meaning) for metric in METRICS]
