"""The console over many leads and calls: what a page takes of the server, how long it is, how long rows let wait."""

import gzip
import json
import re
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

from benchmarks.console_data import home
from benchmarks.figures import CONSOLE_MOVES, CONSOLE_SCREENS
from benchmarks.load import Candidates, Load, answer_to, cpu_us, raw, rounds, written
from benchmarks.run import Run
from benchmarks.server import Server, running
from tests.flows.chromium import MISSING, PROGRAM, Chromium, Tab

_WINDOW = 1280, 900
_REST = 0.3  # Seconds between the opening of a page and a move.
_QUERY = "status:>=400 -source:gateway"
_CONDITION = "field=Lead_Status&is=is&value=Contacted"
_SQL = "select Last_Name, Email from Leads where Lead_Status = 'Contacted' limit 20"
# Files of ours that a page or a script of ours names, and the elements of a page, whose scripts are loaded for it.
_FILE = re.compile(
    r"""(?:(?:href|src)=|\bfrom |\bimport ?\(?)["']([^"']*(?:assets/|\./)[^"']+\.(?:js|css))["']"""
)
_ELEMENT = re.compile(r"<m-([a-z]+)")
# Sets `window.waited` to the milliseconds from an act until the grid shows records in all rows that are seen.
_WAIT = """((act, isDone) => {
  const begun = performance.now(), box = () => document.querySelector("m-grid .grid");
  const isSeen = (row, seen) => {
    const place = row.getBoundingClientRect();
    return place.bottom > seen.top + 36 && place.top < seen.bottom;
  };
  const look = () => {
    const seen = box()?.getBoundingClientRect();
    const rows = [...document.querySelectorAll(".grid-space [role=row]")].filter(row => isSeen(row, seen));
    const isWhole = rows.length && rows.length >= box().clientHeight / rows[0].clientHeight - 2
      && rows.every(row => row.querySelector("a"));
    if (!isWhole || !isDone()) requestAnimationFrame(look);
    else requestAnimationFrame(() => window.waited = performance.now() - begun);
  };
  window.waited = null;
  act(box());
  requestAnimationFrame(look);
})"""
_SORTED = "!!document.querySelector('.grid [role=columnheader][aria-sort]')"
# What each move does, and what is true of the grid when it is done.
_MOVES = {
    "next_page": ("box.scrollTop += box.clientHeight - 72", "true"),
    "middle": ("box.scrollTop = box.scrollHeight / 2", "true"),
    "end": ("box.scrollTop = box.scrollHeight", "true"),
    "sort": ("document.querySelector('[role=columnheader]:not([aria-sort]) a').click()", _SORTED),
}


def measure(run: Run) -> dict[str, list[float]]:
    """Every figure; those of the grid only where there is a browser. Raises ServerFailed, LoadFailed."""
    with home(run) as data, running(data.folder) as server:
        visitor = _Visitor(server, data.cookie)
        paths = visitor.paths()
        figures = _loads(visitor)
        figures |= _pages(visitor, paths, run)
        figures |= _moves(visitor, paths["grid"], run)
    return figures


class _Visitor:
    """A browser in which an owner is signed in."""

    def __init__(self, server: Server, cookie: str) -> None:
        self.server, self.cookie = server, cookie

    def open(self, path: str, **headers: str) -> bytes:
        """Raises LoadFailed."""
        headers |= {"Cookie": self.cookie, "Accept": "text/html"}
        return answer_to(urllib.request.Request(urljoin(self.server.gateway, path), headers=headers))

    def twin(self, path: str) -> Any:
        return json.loads(self.open(f"{path}{'&' if '?' in path else '?'}format=json"))

    def paths(self) -> Mapping[str, str]:
        """The screens that are measured, by their names."""
        [connection] = self.twin("/console/connections")["connections"]
        crm = f"/console/crm/{connection['connection_id']}"
        leads = self.twin(f"{crm}/Leads")
        lead, view = leads["records"][0], leads["views"][0]
        [call, *_] = self.twin("/console/requests")["requests"]
        paths = {
            "home": "/console",
            "connections": "/console/connections",
            "requests": "/console/requests",
            "requests_filtered": f"/console/requests?q={quote(_QUERY)}",
            "errors": "/console/requests/errors",
            "call": f"/console/requests/{call['request_id']}",
            "modules": crm,
            "grid": f"{crm}/Leads",
            "grid_filtered": f"{crm}/Leads?view={view['id']}&{_CONDITION}",
            "record": f"{crm}/Leads/{lead['id']}",
            "approvals": "/console/approvals",
            "keys": "/console/keys",
            "query": f"/console/query?q={quote(_SQL)}",
            "limits": "/console/limits",
            "audit": "/console/audit",
        }
        assert tuple(paths) == CONSOLE_SCREENS
        return paths


def _pages(visitor: _Visitor, paths: Mapping[str, str], run: Run) -> dict[str, list[float]]:
    """The server's CPU time of each page."""
    server, headers = visitor.server, {"Cookie": visitor.cookie, "Accept": "text/html"}
    with ExitStack() as stack:
        candidates: Candidates = {}
        for name, path in paths.items():
            visitor.open(path)  # It is not refused, and what the first visitor waits for is done.
            file = stack.enter_context(written([raw("GET", path, headers)]))
            candidates[name] = Load(server.gateway, file, 1, server.pid).run
        samples = rounds(candidates, run)
    return {f"console.{name}.cpu_ms": [one / 1000 for one in cpu_us(samples[name])] for name in paths}


def _loads(visitor: _Visitor) -> dict[str, list[float]]:
    """What a browser loads that was never here: the page, as it is sent, and the files that it names, compressed."""
    pages = {"first": "/console", "query": "/console/query"}
    return {f"console.{name}_load.bytes": [_load(visitor, page)] for name, page in pages.items()}


def _load(visitor: _Visitor, path: str) -> float:
    page = visitor.open(path)
    text = page.decode()
    left, seen = [urljoin(path, name) for name in _FILE.findall(text)], dict[str, int]()
    [script] = [name for name in left if name.endswith("moorage.js")]
    left += {urljoin(script, f"elements/{name}.js") for name in _ELEMENT.findall(text)}
    while left:
        name = left.pop()
        if name not in seen:
            packed = visitor.open(name, **{"Accept-Encoding": "gzip"})
            seen[name] = len(packed)
            left += [urljoin(name, other) for other in _FILE.findall(gzip.decompress(packed).decode())]
    return float(len(page) + sum(seen.values()))


def _moves(visitor: _Visitor, path: str, run: Run) -> dict[str, list[float]]:
    """How long people wait for rows of the grid in a browser, each time on a page that was just opened."""
    if PROGRAM is None:
        print(f"console: no move of the grid is measured. {MISSING}")
        return {f"console.grid.{move}.shown_ms": [] for move in CONSOLE_MOVES}
    waits: dict[str, list[float]] = {move: [] for move in CONSOLE_MOVES}
    with tempfile.TemporaryDirectory(dir=run.folder, ignore_cleanup_errors=True) as profile:
        browser = Chromium(Path(profile))
        try:
            tab = browser.tab(browser.person(), draws=True)
            tab.be_wide(*_WINDOW)
            tab.take_cookie(visitor.server.gateway, visitor.cookie)
            for move in [*CONSOLE_MOVES] * run.rounds:
                waits[move].append(_moved(tab, f"{visitor.server.gateway}{path}", move, run.leads))
        finally:
            browser.stop()
    return {f"console.grid.{move}.shown_ms": waits[move] for move in CONSOLE_MOVES}


def _moved(tab: Tab, url: str, move: str, leads: int) -> float:
    """The milliseconds until the rows are shown to which somebody moves."""
    tab.open("about:blank")
    tab.open(url)
    tab.wait(f"document.querySelector('[role=grid]')?.getAttribute('aria-rowcount') == '{leads + 1}'")
    tab.run(f"{_WAIT}(() => 0, () => true)")
    tab.wait("window.waited")
    time.sleep(_REST)  # Meanwhile it fetches what may be shown next.
    act, is_done = _MOVES[move]
    tab.run(f"{_WAIT}(box => {act}, () => {is_done})")
    return float(tab.wait("window.waited"))
