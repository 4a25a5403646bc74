"""The dashboard and the alert rules ask for metrics that exist, by labels and values that they have."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from moorage.connections.model import STATUSES
from moorage.http.errors import STATUS
from moorage.metrics.table import BY_NAME
from tests.cli.commands import COMMANDS

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
PANELS = json.loads((DEPLOY / "grafana" / "moorage.json").read_text())["panels"]
QUERIES = {rule["alert"]: rule["expr"] for rule in RULES} | {
    f"{panel['title']} {target['refId']}": target["expr"] for panel in PANELS for target in panel["targets"]
}
OF_PROMETHEUS = {"instance", "job"}
# What those labels can be whose values are ours; others are names of apps, or numbers.
VALUES = {
    "status of moorage_connections": {status.lower() for status in STATUSES},
    "status of moorage_requests_total": {"1xx", "2xx", "3xx", "4xx", "5xx", "none"},
    "source of moorage_requests_total": {"upstream", "gateway"},
    "class of moorage_requests_total": {"read", "write", "destructive"},
    "result of moorage_token_refreshes_total": {"ok", "refused", "failed", "limited"},
    "state of moorage_jobs": {"waiting", "running", "later", "failed"},
    "code of moorage_gateway_errors_total": {*STATUS, "caller_gone", "broken_off"},
}


def selectors(query):
    """The metrics of a query, each with the matchers in braces behind it."""
    return re.findall(r"\b(up|moorage_\w+)(?:\{([^}]*)\})?", query)


def labels_of(name):
    if name == "up":
        return OF_PROMETHEUS
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    is_histogram = base != name and BY_NAME[base].kind == "histogram"
    metric = BY_NAME[base if is_histogram else name]
    assert is_histogram or metric.kind != "histogram", f"{name} is a histogram"
    return {*metric.labels, *OF_PROMETHEUS, *({"le"} if name.endswith("_bucket") else ())}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_asks_for_what_there_is(name):
    query = QUERIES[name]
    found = selectors(query)
    assert found
    for metric, matchers in found:
        for label, value in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', matchers):
            assert label in labels_of(metric)
            known = VALUES.get(f"{label} of {metric}")
            assert known is None or set(value.split("|")) <= known
    known = set().union(*(labels_of(metric) for metric, _ in found))
    for labels in re.findall(r"\bby \(([^)]*)\)", query):
        assert set(labels.split(", ")) <= known


@pytest.mark.parametrize("name", [name for name, query in QUERIES.items() if "_total" in query])
def test_a_counter_is_looked_at_by_its_rise(name):
    for before in re.findall(r"([\w(]*)moorage_\w+_total", QUERIES[name]):
        assert before.endswith(("rate(", "increase("))


def test_every_metric_is_on_the_dashboard_or_in_a_rule():
    asked = " ".join(QUERIES.values())
    left = {name for name in BY_NAME if name not in asked}
    assert left == {"moorage_answers_total", "moorage_build_info", "moorage_token_mints_total"}


def test_every_rule_says_what_is_wrong_and_how_bad():
    for rule in RULES:
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"].endswith(".")
        shown = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
        kept = set(", ".join(re.findall(r"\bby \(([^)]*)\)", rule["expr"])).split(", "))
        assert shown <= kept | ({"instance"} if "by (" not in rule["expr"] else set())


def test_every_command_in_a_rule_exists():
    said = " ".join(text for rule in RULES for text in rule["annotations"].values())
    commands = re.findall(r"`moorage ([a-z ]+)", said)
    assert len(commands) > 3 and {command.strip() for command in commands} <= set(COMMANDS)


def test_the_panels_lie_beside_each_other_on_a_grid_of_24():
    places = set()
    for panel in PANELS:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & places and max(x for x, _ in cells) < 24
        places |= cells


def test_prometheus_itself_takes_the_rules():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    checked = subprocess.run(
        [promtool, "check", "rules", DEPLOY / "prometheus" / "alerts.yml"], check=False, capture_output=True
    )
    assert checked.returncode == 0, checked.stderr
