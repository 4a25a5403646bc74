"""Every section of the benchmark runs and measures all of its figures; how fast anything is, is not looked at."""

import math
import subprocess
from urllib.parse import urlsplit

import pytest
import uvloop

from benchmarks import client, constant, figures, machine
from benchmarks.__main__ import SECTIONS
from benchmarks.load import WRK_SECONDS, Load, raw, written
from benchmarks.run import LEAST_LEADS, Run
from tests import forked
from tests.flows.chromium import MISSING, PROGRAM

LEAST = {
    "leads": LEAST_LEADS,
    "calls": 50,
    "organisations": 2,
    "batches": 2,
    "crowd": 4,
    "jobs": 24,
    "file_mb": 1,
}
TOO_SHORT = ("cpu_us", "cpu_ratio", "cpu_ms")  # The kernel counts CPU time in hundredths of a second.


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("bench")


def answered_here(load, seconds):
    """What our client makes of a load, in this process."""
    url = urlsplit(load._url)
    return uvloop.run(client.load(url.hostname, url.port, load._requests, load._connections, seconds))


def started_quickly(command, core, **options):
    """Start a program wherever there is room."""
    popen = forked.popen if command[1] == "-m" else subprocess.Popen
    return popen(command, **options)


@pytest.fixture
def quick(monkeypatch):
    """A hundred loads need no process each, and need not wait for one core where others are at work, too. Nor does
    each server need a start of Python."""
    monkeypatch.setattr(Load, "_result", answered_here)
    monkeypatch.setattr(machine, "start", started_quickly)
    monkeypatch.setattr(machine, "_pin", lambda core: None)


def test_the_sections_are_those_of_the_table_of_figures():
    assert list(SECTIONS) == list(figures.SECTIONS)


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.usefixtures("quick")
def test_a_section_measures_all_of_its_figures(section, folder):
    if section == "gateway" and machine.program("nginx") is None:
        pytest.skip("nginx, which the gateway is held against, is not installed")
    measured = SECTIONS[section](Run(folder, rounds=1, seconds=0.05, warm_up=0, **LEAST))
    if section == "console" and PROGRAM is None:
        pytest.skip(MISSING)
    assert measured.keys() == {figure.name for figure in figures.SECTIONS[section]}
    missing = [name for name, values in measured.items() if len(values) != 1 and not name.endswith(TOO_SHORT)]
    assert missing == []
    assert all(math.isfinite(value) for values in measured.values() for value in values)


@pytest.mark.parametrize("seconds", [0.05, WRK_SECONDS], ids=["our client", "wrk"])
def test_a_load_is_made_by_our_client_or_by_wrk(seconds):
    if seconds >= WRK_SECONDS and machine.program("wrk") is None:
        pytest.skip("wrk is not installed")
    with constant.running() as served, written([raw("GET", "/", {}), raw("GET", "/leads", {})]) as file:
        sample = Load(served.url, file, 2, served.pid).run(seconds)
    assert sample.per_second > 0 and sample.median_us > 0
