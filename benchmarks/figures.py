"""Every figure there is: its name, its unit and what it is to reach. Names are stable, so that runs can be compared.

Only ratios and sizes have something to reach, as machines differ by two times and more in speed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal, TypeAlias

Measured: TypeAlias = Mapping[str, Sequence[float]]  # A figure's name to its value in each round.


@dataclass(frozen=True, slots=True)
class Figure:
    """`target` is what `value` should be at least (better "higher") or at most (better "lower")."""

    name: str
    unit: str
    better: Literal["higher", "lower"]
    target: float | None = None

    def met(self, value: float) -> bool:
        assert self.target is not None
        return value >= self.target if self.better == "higher" else value <= self.target


LISTS = ("list_200x5", "list_200x20")
DEPTH = "depth_50000"
READS = (
    *(name for one in LISTS for name in (one, f"{one}.{DEPTH}")),
    *("get", "search_email", "search_starts_with", "search_word"),
)
SIZES = ("1kb", "60kb")
INSERT, INSERT_GROUPED, INSERT_ONE = "insert_batch_100", "insert_batch_100.c8", "insert_one.c32"
BESIDE = ("list_200x5", "get")  # What is read while somebody inserts.
WORKERS_READS, WORKERS_INSERT = ("list_200x5", "get"), "insert_batch_100"
BULK_READ, BULK_WRITE = "bulk.read_x20", "bulk.write"
FILE_STORAGES, FILE_WAYS = ("sqlite", "postgresql"), ("upload", "download")
EVENTS = {  # By storage.
    "sqlite": "events.insert_batch_100.cpu_ratio",
    "postgresql": "events.postgresql.insert_batch_100.cpu_ratio",
}
LOGGED, LOGS = "1kb", ("log", "lines")  # The answers of calls that are noted, and where the notes go.
EMBEDDED = "list_200x5"  # What the CRM is asked through the gateway.
MCP_REVISIONS = ("2026-07-28", "2025-11-25")  # Of the protocol: without a handshake, and the one before it.
MCP_CALLERS = 50

CONSOLE_SCREENS = (
    *("home", "connections", "requests", "requests_filtered", "errors", "call"),
    *("modules", "grid", "grid_filtered", "record"),
    *("approvals", "keys", "query", "limits", "audit"),
)
CONSOLE_LOADS = {"first": 60_000, "query": 200_000}  # Bytes, at most.
CONSOLE_MOVES = ("next_page", "middle", "end", "sort")
_PAGE_MS, _SHOWN_MS = 30, 100


@dataclass(frozen=True, slots=True)
class Scene:
    """What the gateway is measured with. `name` begins its figures, `least` is what it should reach of nginx's rate."""

    name: str
    connections: tuple[int, ...]
    least: Mapping[str, float]
    workers: int = 1
    secured: bool = False  # Whether its upstream speaks TLS.
    directly: bool = False  # Whether the upstream is also asked without a proxy.


SCENES = (
    Scene("", (1, 32), {"1kb": 0.55, "60kb": 0.65}, directly=True),
    Scene("tls.", (32,), {"1kb": 0.45, "60kb": 0.8}, secured=True),
    Scene("workers2.", (32,), {"1kb": 0.55, "60kb": 0.65}, workers=2),
)
_ADDED_RATIO, _MEMORY_RATIO, _EMBEDDED_RATIO, _LOG_RATIO = 4, 1.4, 1.25, 0.97

_RATIOS = {"list_200x5": 2.0, "list_200x20": 1.6, "search_word": 1.5}  # At most, over the bare statements.
FLOOR_RATIOS = {"get": 2.0, "search_email": 4.0}  # At most, over a constant answer and the bare statements.
_RECORDS = {INSERT: 2.0, INSERT_GROUPED: 1.5, INSERT_ONE: 3.0}  # At most, over the bare batches.
# What is asked by queries, and how many times the bare statements that may take at most.
QUERIES = {"by_index": 1.6, "one_join": 2.0, "groups": None}
_DEPTH_RATIO, _KEPT, _START_RATIO = 1.3, 0.85, 3.0


def _gateway() -> Iterator[Figure]:
    yield Figure("gateway.constant_memory_mb", "MB", "lower")
    for scene in SCENES:
        for size in SIZES:
            for connections in scene.connections:
                yield from _relayed(scene, size, connections)
        yield Figure(f"gateway.{scene.name}memory_mb", "MB", "lower")
        yield Figure(f"gateway.{scene.name}memory_ratio", "x", "lower", _MEMORY_RATIO)


def _relayed(scene: Scene, size: str, connections: int) -> Iterator[Figure]:
    name = f"gateway.{scene.name}{size}.c{connections}"
    is_alone = connections == 1  # Several callers wait for each other, which says nothing about the way.
    yield Figure(f"{name}.per_second", "1/s", "higher")
    yield Figure(f"{name}.nginx_ratio", "x", "higher", None if is_alone else scene.least[size])
    if scene.directly:
        yield Figure(f"{name}.direct_ratio", "x", "higher")
    yield Figure(f"{name}.cpu_us", "us", "lower")
    yield Figure(f"{name}.nginx_cpu_us", "us", "lower")
    yield Figure(f"{name}.nginx_cpu_ratio", "x", "lower")
    if is_alone:
        yield Figure(f"{name}.added_us", "us", "lower")
        yield Figure(f"{name}.nginx_added_us", "us", "lower")
        yield Figure(f"{name}.added_ratio", "x", "lower", _ADDED_RATIO)


def _requests() -> Iterator[Figure]:
    for way in LOGS:
        yield Figure(f"requests.{way}.ratio", "x", "higher", _LOG_RATIO if way == "log" else None)
        yield Figure(f"requests.{way}.cpu_ratio", "x", "lower")


def _embedded() -> Iterator[Figure]:
    name = f"embedded.{EMBEDDED}"
    yield Figure(f"{name}.per_second", "1/s", "higher")
    yield Figure(f"{name}.ratio", "x", "lower", _EMBEDDED_RATIO)
    yield Figure(f"{name}.cpu_us", "us", "lower")
    yield Figure(f"{name}.cpu_ratio", "x", "lower")


def _mcp() -> Iterator[Figure]:
    yield Figure("mcp.tools_list.bytes", "bytes", "lower", 12_000)
    yield Figure("mcp.rest.per_second", "1/s", "higher")
    yield Figure("mcp.rest.cpu_us", "us", "lower")
    for revision in MCP_REVISIONS:
        yield Figure(f"mcp.{revision}.per_second", "1/s", "higher")
        yield Figure(f"mcp.{revision}.rest_ratio", "x", "lower", 2.5)
        yield Figure(f"mcp.{revision}.cpu_us", "us", "lower")
        yield Figure(f"mcp.{revision}.cpu_ratio", "x", "lower")
        yield Figure(f"mcp.{revision}.added_cpu_us", "us", "lower")
    yield Figure("mcp.callers.per_second", "1/s", "higher")
    yield Figure("mcp.callers.failed", "x", "lower", 0)
    yield Figure("mcp.memory.never_mb", "MB", "lower")
    yield Figure("mcp.memory.never_ratio", "x", "lower", 1.02)
    yield Figure("mcp.memory.more_mb", "MB", "lower", 40)


def _console() -> Iterator[Figure]:
    for load, most in CONSOLE_LOADS.items():
        yield Figure(f"console.{load}_load.bytes", "bytes", "lower", most)
    for screen in CONSOLE_SCREENS:
        yield Figure(f"console.{screen}.cpu_ms", "ms", "lower", _PAGE_MS)
    for move in CONSOLE_MOVES:
        yield Figure(f"console.grid.{move}.shown_ms", "ms", "lower", _SHOWN_MS)


def _crm() -> Iterator[Figure]:
    yield Figure("crm.constant.per_second", "1/s", "higher")
    yield Figure("crm.constant.cpu_us", "us", "lower")
    for read in READS:
        name, wanted = f"crm.{read}", read.removesuffix(f".{DEPTH}")
        yield Figure(f"{name}.per_second", "1/s", "higher")
        yield Figure(f"{name}.bare_per_second", "1/s", "higher")
        yield Figure(f"{name}.ratio", "x", "lower", _RATIOS.get(wanted))
        yield Figure(f"{name}.cpu_us", "us", "lower")
        yield Figure(f"{name}.cpu_ratio", "x", "lower")
        if read in FLOOR_RATIOS:
            yield Figure(f"{name}.floor_ratio", "x", "lower", FLOOR_RATIOS[read])
            yield Figure(f"{name}.constant_ratio", "x", "lower")
            yield Figure(f"{name}.constant_cpu_ratio", "x", "lower")
        if read.endswith(DEPTH):
            yield Figure(f"{name}.depth_ratio", "x", "lower", _DEPTH_RATIO)
    for insert, most in _RECORDS.items():
        name = f"crm.{insert}"
        yield Figure(f"{name}.records_per_second", "1/s", "higher")
        yield Figure(f"{name}.ratio", "x", "lower", most)
        yield Figure(f"{name}.cpu_us", "us", "lower")
        if insert == INSERT:
            yield Figure(f"{name}.bare_records_per_second", "1/s", "higher")
            yield Figure(f"{name}.cpu_ratio", "x", "lower")
    for read in BESIDE:
        yield Figure(f"crm.{read}.beside_writer.kept", "x", "higher", _KEPT)
        yield Figure(f"crm.{read}.beside_writer.records_per_second", "1/s", "higher")
    yield Figure("crm.memory_mb", "MB", "lower")


def _bulk() -> Iterator[Figure]:
    for name in (BULK_READ, BULK_WRITE):
        yield Figure(f"{name}.records_per_second", "1/s", "higher")
        yield Figure(f"{name}.records_per_cpu_second", "1/s", "higher")
    yield Figure(f"{BULK_READ}.memory_mb", "MB", "lower")


def _beside_jobs() -> Iterator[Figure]:
    for job in (BULK_READ, BULK_WRITE):
        for read in BESIDE:
            yield Figure(f"{job}.beside.{read}.kept", "x", "higher", _KEPT)


def _coql() -> Iterator[Figure]:
    for query, most in QUERIES.items():
        name = f"coql.{query}"
        yield Figure(f"{name}.per_second", "1/s", "higher")
        yield Figure(f"{name}.bare_per_second", "1/s", "higher")
        yield Figure(f"{name}.ratio", "x", "lower", most)
        yield Figure(f"{name}.cpu_us", "us", "lower")
        yield Figure(f"{name}.cpu_ratio", "x", "lower")


def _workers() -> Iterator[Figure]:
    for name in (*WORKERS_READS, WORKERS_INSERT):
        rate = "records_per_second" if name == WORKERS_INSERT else "per_second"
        yield Figure(f"crm.workers2.{name}.{rate}", "1/s", "higher")
        yield Figure(f"crm.workers2.{name}.speedup", "x", "higher")


def _start() -> Iterator[Figure]:
    yield Figure("start.seconds", "s", "lower")
    yield Figure("start.import_seconds", "s", "lower")
    yield Figure("start.ratio", "x", "lower", _START_RATIO)
    yield Figure("start.memory_mb", "MB", "lower")


# What both storages are asked, and how many answers a second PostgreSQL's should give for each of SQLite's.
BOTH_READS = {
    "list_200x5": 0.55,
    "list_200x20": 0.75,
    "get": 0.45,
    "search_email": 0.65,
    "search_starts_with": 0.7,
    "search_word": 0.4,
}
BOTH_INSERTS = {INSERT: 0.75, INSERT_GROUPED: 0.6, INSERT_ONE: 0.5}
REPLICAS_READS = ("list_200x5", "get")
CROWD_READS, CROWD_INSERT = ("list", "get"), "insert"  # In organisations with few leads.
_BARE_RATIOS = {"list_200x5": 1.8, "list_200x20": 1.5, "search_email": 3.0}  # At most, over the bare query.
_REPLICAS_SPEEDUP, _CROWD_RATIO = 1.7, 1.2


def _postgresql() -> Iterator[Figure]:
    for read, least in BOTH_READS.items():
        name = f"postgresql.{read}"
        yield Figure(f"{name}.per_second", "1/s", "higher")
        yield Figure(f"{name}.sqlite_per_second", "1/s", "higher")
        yield Figure(f"{name}.sqlite_ratio", "x", "higher", least)
        yield Figure(f"{name}.bare_per_second", "1/s", "higher")
        yield Figure(f"{name}.ratio", "x", "lower", _BARE_RATIOS.get(read))
        yield Figure(f"{name}.cpu_ratio", "x", "lower")
        yield Figure(f"{name}.cpu_us", "us", "lower")
        yield Figure(f"{name}.sqlite_cpu_us", "us", "lower")
        yield Figure(f"{name}.database_cpu_us", "us", "lower")
    for insert, least in BOTH_INSERTS.items():
        name = f"postgresql.{insert}"
        yield Figure(f"{name}.records_per_second", "1/s", "higher")
        yield Figure(f"{name}.sqlite_records_per_second", "1/s", "higher")
        yield Figure(f"{name}.sqlite_ratio", "x", "higher", least)
        yield Figure(f"{name}.cpu_us", "us", "lower")
        yield Figure(f"{name}.sqlite_cpu_us", "us", "lower")
        yield Figure(f"{name}.database_cpu_us", "us", "lower")
    for read in REPLICAS_READS:
        name = f"postgresql.replicas2.{read}"
        yield Figure(f"{name}.per_second", "1/s", "higher")
        yield Figure(f"{name}.speedup", "x", "higher", _REPLICAS_SPEEDUP)
        yield Figure(f"{name}.cpu_ratio", "x", "lower")
        yield Figure(f"{name}.cpu_speedup", "x", "higher", _REPLICAS_SPEEDUP)
        for which in ("one_", ""):
            yield Figure(f"{name}.{which}cores", "cores", "higher")
            yield Figure(f"{name}.{which}database_cores", "cores", "lower")
            yield Figure(f"{name}.{which}load_cores", "cores", "lower")
    for call in (*CROWD_READS, CROWD_INSERT):
        yield Figure(f"postgresql.crowd.{call}.per_second", "1/s", "higher")
        yield Figure(f"postgresql.crowd.{call}.crowd_ratio", "x", "lower", _CROWD_RATIO)
        yield Figure(f"postgresql.crowd.{call}.same_ratio", "x", "lower")
        yield Figure(f"postgresql.crowd.{call}.cpu_ratio", "x", "lower")
        yield Figure(f"postgresql.crowd.{call}.database_cpu_ratio", "x", "lower")
    yield Figure("postgresql.new_organisation.milliseconds", "ms", "lower")
    yield Figure("postgresql.new_organisation.sqlite_milliseconds", "ms", "lower")
    yield Figure("postgresql.new_organisation.times_sqlite", "x", "lower")
    yield Figure("postgresql.new_organisation.cpu_milliseconds", "ms", "lower")
    yield Figure("postgresql.new_organisation.database_cpu_milliseconds", "ms", "lower")
    yield Figure("postgresql.jobs.per_second", "1/s", "higher")
    yield Figure("postgresql.jobs.not_once", "x", "lower", 0)


def _files() -> Iterator[Figure]:
    for storage in FILE_STORAGES:
        for way in FILE_WAYS:
            yield Figure(f"files.{storage}.{way}.mb_per_second", "MB/s", "higher")
            yield Figure(f"files.{storage}.{way}.copy_ratio", "x", "higher", 0.5)
            if storage == "postgresql":
                yield Figure(f"files.{storage}.{way}.bare_mb_per_second", "MB/s", "higher")
                yield Figure(f"files.{storage}.{way}.floor_ratio", "x", "lower")
        yield Figure(f"files.{storage}.memory_mb", "MB", "lower")


# By the sections of the benchmark, which measure them.
SECTIONS = {
    "gateway": tuple(_gateway()),
    "requests": tuple(_requests()),
    "embedded": tuple(_embedded()),
    "mcp": tuple(_mcp()),
    "console": tuple(_console()),
    "crm": tuple(_crm()),
    "events": tuple(Figure(name, "x", "lower", 1.08) for name in EVENTS.values()),
    "coql": tuple(_coql()),
    "bulk": tuple(_bulk()),
    "beside_jobs": tuple(_beside_jobs()),
    "files": tuple(_files()),
    "workers": tuple(_workers()),
    "start": tuple(_start()),
    "postgresql": tuple(_postgresql()),
}
FIGURES = tuple(chain.from_iterable(SECTIONS.values()))
