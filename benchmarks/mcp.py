"""Tools over MCP: what a call of one takes, against the same call over REST, and what the SDK takes of memory."""

import json
import tempfile
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import uvloop

from benchmarks import client, leads, machine
from benchmarks.embedded import connected_home
from benchmarks.figures import MCP_CALLERS, MCP_REVISIONS
from benchmarks.gateway import APP
from benchmarks.load import (
    Candidates,
    Load,
    Sample,
    answer_to,
    cpu_ratio,
    cpu_us,
    fetched,
    raw,
    rounds,
    times_longer,
    written,
)
from benchmarks.run import Run
from benchmarks.server import Server, running

_PATH = "/mcp"
_LIMIT = 20
# What a client of the revision without a handshake says with each request.
_ABOUT = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@dataclass(frozen=True, slots=True)
class _Message:
    """A request to the MCP server, as a client of a revision sends it."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def raw(self) -> bytes:
        return raw("POST", _PATH, self.headers, self.body)

    def answer(self, server: Server) -> bytes:
        """Raises LoadFailed."""
        return answer_to(urllib.request.Request(server.gateway + _PATH, self.body, dict(self.headers)))


def measure(run: Run) -> dict[str, list[float]]:
    """Raises ServerFailed, LoadFailed."""
    with connected_home(run) as (home, made, key), ExitStack() as stack:
        words = [parse_qs(urlsplit(target).query)["word"][0] for target in made.reads["search_word"].targets]
        case = _Case(key, words)
        without = _memory_without(home, case)
        server = stack.enter_context(running(home))
        figures = _memory(server, case, without)
        figures["mcp.tools_list.bytes"] = [float(len(case.list(MCP_REVISIONS[0]).answer(server)))]
        samples = rounds(_candidates(server, case, stack), run)
        figures["mcp.callers.failed"] = [_failed(server, case, run)]
    return figures | _figures(samples)


class _Case:
    """The same searches for words, over REST and by a tool."""

    def __init__(self, key: str, words: list[str]) -> None:
        self._key = key
        self._words = words

    @property
    def authorization(self) -> str:
        return f"Bearer {self._key}"

    @property
    def targets(self) -> list[str]:
        fields = ",".join(leads.FIVE_FIELDS)
        queries = [urlencode({"word": word, "fields": fields, "per_page": _LIMIT}) for word in self._words]
        return [f"/{APP}/crm/v8/Leads/search?{query}" for query in queries]

    def calls(self, revision: str) -> list[_Message]:
        """Calls of the tool that make the same calls."""
        return [
            self._message(
                revision,
                "tools/call",
                name="search_records",
                arguments={"module": "Leads", "words": word, "fields": leads.FIVE_FIELDS, "limit": _LIMIT},
            )
            for word in self._words
        ]

    def list(self, revision: str) -> _Message:
        return self._message(revision, "tools/list")

    def _message(self, revision: str, method: str, **params: Any) -> _Message:
        headers = {
            "Authorization": self.authorization,
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "Mcp-Protocol-Version": revision,
        }
        if revision == _ABOUT["io.modelcontextprotocol/protocolVersion"]:
            headers |= {"Mcp-Method": method} | ({"Mcp-Name": params["name"]} if "name" in params else {})
            params |= {"_meta": _ABOUT}
        document = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return _Message(headers, json.dumps(document, separators=(",", ":")).encode())


def _memory_without(home: Path, case: _Case) -> float | None:
    """The memory of a server that can't find the SDK, after a call over REST."""
    with tempfile.TemporaryDirectory(dir=home) as folder:
        Path(folder, "sitecustomize.py").write_text('import sys\nsys.modules["mcp"] = None\n')
        with running(home, settings={"PYTHONPATH": folder}) as server:
            fetched(server.gateway + case.targets[0], case.authorization)
            return machine.memory_mb(server.pid)


def _memory(server: Server, case: _Case, without: float | None) -> dict[str, list[float]]:
    """Of the same server before its first call of a tool, and after some."""
    fetched(server.gateway + case.targets[0], case.authorization)
    never = machine.memory_mb(server.pid)
    for revision in MCP_REVISIONS:
        case.list(revision).answer(server)
        _check(server, case, revision)
    used = machine.memory_mb(server.pid)
    if without is None or never is None or used is None:
        return {f"mcp.memory.{name}": [] for name in ("never_mb", "never_ratio", "more_mb")}
    return {
        "mcp.memory.never_mb": [never],
        "mcp.memory.never_ratio": [never / without],
        "mcp.memory.more_mb": [used - never],
    }


def _check(server: Server, case: _Case, revision: str) -> None:
    """The tool finds the same records as the call over REST."""
    expected = json.loads(fetched(server.gateway + case.targets[0], case.authorization))["data"]
    result = json.loads(case.calls(revision)[0].answer(server))["result"]
    table = result["structuredContent"]
    place = table["columns"].index("id")
    assert [row[place] for row in table["rows"]] == [record["id"] for record in expected], result


def _candidates(server: Server, case: _Case, stack: ExitStack) -> Candidates:
    def load(requests: list[bytes], connections: int) -> Load:
        file = stack.enter_context(written(requests))
        return Load(server.gateway, file, connections, server.pid)

    rest = [raw("GET", target, {"Authorization": case.authorization}) for target in case.targets]
    candidates: Candidates = {"rest": load(rest, 1).run}
    for revision in MCP_REVISIONS:
        candidates[revision] = load([call.raw for call in case.calls(revision)], 1).run
    candidates["callers"] = load([call.raw for call in case.calls(MCP_REVISIONS[0])], MCP_CALLERS).run
    return candidates


class _Reading(client.Connection):
    """Also looks whether the tool has done what it was asked for: an answer that it has not has the status 200, too."""

    _body = b""

    def on_body(self, part: bytes) -> None:
        self._body += part

    def on_message_complete(self) -> None:
        if '"isError":true' in self._body.decode().replace(" ", ""):
            self.refused += 1
        self._body = b""
        super().on_message_complete()


def _failed(server: Server, case: _Case, run: Run) -> float:
    """The calls of many callers at once that failed, divided by all."""
    url = urlsplit(server.gateway)
    with written([call.raw for call in case.calls(MCP_REVISIONS[0])]) as file:
        outcome = uvloop.run(
            client.load(url.hostname or "", url.port or 0, file, MCP_CALLERS, run.seconds, _Reading)
        )
    return (outcome["refused"] + outcome["broken"]) / (outcome["answers"] or 1)


def _figures(samples: Mapping[str, list[Sample]]) -> dict[str, list[float]]:
    rest = samples["rest"]
    figures = {"mcp.rest.per_second": [one.per_second for one in rest], "mcp.rest.cpu_us": cpu_us(rest)}
    for revision in MCP_REVISIONS:
        ours, name = samples[revision], f"mcp.{revision}"
        figures[f"{name}.per_second"] = [one.per_second for one in ours]
        figures[f"{name}.rest_ratio"] = times_longer(ours, rest)
        figures[f"{name}.cpu_us"] = cpu_us(ours)
        figures[f"{name}.cpu_ratio"] = cpu_ratio(ours, rest)
        pairs = zip(ours, rest, strict=True)
        figures[f"{name}.added_cpu_us"] = [
            one.cpu_us - it.cpu_us for one, it in pairs if one.cpu_us and it.cpu_us
        ]
    figures["mcp.callers.per_second"] = [one.per_second for one in samples["callers"]]
    return figures
