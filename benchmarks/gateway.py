"""The gateway in front of a local upstream, against nginx doing the same and against no proxy at all."""

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import constant, leads, machine, nginx
from benchmarks.certificates import issue
from benchmarks.figures import SCENES, SIZES, Scene
from benchmarks.load import Candidates, Load, Sample, cpu_ratio, cpu_us, fetched, raw, rounds, written
from benchmarks.run import Run
from benchmarks.server import running
from moorage.connections.model import Upstream
from moorage.oauth.model import AccessToken
from moorage.rooms import Urls, open_rooms
from moorage.settings import load
from moorage.storage.migrate import migrate

APP = "zoho-crm"
TOKEN = "1000.0123456789abcdef0123456789abcdef.0123456789abcdef0123456789abcdef"
AUTHORIZATION = f"Zoho-oauthtoken {TOKEN}"
_BODY_SIZES = {"1kb": 1_000, "60kb": 60_000}
PATHS = {"1kb": "crm/v8/Leads", "60kb": "crm/v8/Contacts"}


@dataclass(frozen=True, slots=True)
class _Route:
    """A way to the upstream. `pid` is of the process whose CPU time is counted."""

    name: str
    url: str
    pid: int
    prefix: str
    authorization: str


def measure(run: Run) -> dict[str, list[float]]:
    """Every figure of the gateway, none without nginx. Raises ServerFailed, NginxFailed, LoadFailed."""
    if machine.program("nginx") is None:
        print("gateway: not measured, because nginx is not installed (Debian: apt-get install nginx).")
        return {}
    bodies = {size: body_of(size) for size in SIZES}
    run.folder.mkdir(parents=True, exist_ok=True)
    least = _constant_memory()
    figures: dict[str, list[float]] = {"gateway.constant_memory_mb": least}
    for scene in SCENES:
        with tempfile.TemporaryDirectory(prefix="run-", dir=run.folder) as name, ExitStack() as stack:
            ways = stack.enter_context(_ways(Path(name), scene, bodies))
            for way in ways:
                _check(way, bodies)
            figures |= _figures(scene, rounds(_candidates(scene, ways, stack), run))
            figures |= _memory(scene, ways[0].pid, least)
    return figures


def _constant_memory() -> list[float]:
    """What a process takes that has loaded the same libraries and answers, but not as a gateway."""
    with constant.running() as served:
        fetched(served.url, "")
        memory = machine.memory_mb(served.pid, "Pss_Anon")
    return [] if memory is None else [memory]


def _memory(scene: Scene, pid: int, least: Sequence[float]) -> dict[str, list[float]]:
    """`least` is the memory of `_constant_memory`."""
    whole, own = machine.memory_mb(pid), machine.memory_mb(pid, "Pss_Anon")
    return {
        f"gateway.{scene.name}memory_mb": [] if whole is None else [whole],
        f"gateway.{scene.name}memory_ratio": [] if own is None else [own / one for one in least],
    }


@contextmanager
def _ways(folder: Path, scene: Scene, bodies: dict[str, bytes]) -> Iterator[list[_Route]]:
    """The gateway, nginx and, where that says something, no proxy at all."""
    home = folder / "home"
    files = {PATHS[size]: body for size, body in bodies.items()}
    certificates = issue(folder / "certificates") if scene.secured else None
    with ExitStack() as stack:
        upstream = stack.enter_context(
            nginx.upstream(folder / "upstream", files, AUTHORIZATION, certificates)
        )
        key = asyncio.run(connected(home, Upstream("remote", base_url=upstream.url), TOKEN))
        proxy = stack.enter_context(
            nginx.proxy(folder / "proxy", upstream, key, AUTHORIZATION, scene.workers, certificates)
        )
        authority = certificates.authority if certificates else None
        server = stack.enter_context(running(home, workers=scene.workers, authority=authority))
        ways = [
            _Route("gateway", server.gateway, server.pid, f"/{APP}", f"Bearer {key}"),
            _Route("nginx", proxy.url, proxy.pid, f"/{APP}", f"Bearer {key}"),
        ]
        if scene.directly:
            ways.append(_Route("direct", upstream.url, upstream.pid, "", AUTHORIZATION))
        yield ways


async def connected(home: Path, upstream: Upstream, token: str) -> str:
    """An API key whose account has one connection, which leads to the upstream with that token."""
    settings = load({"MOORAGE_HOME": str(home)})
    migrate(settings.database_url)
    async with open_rooms(settings, Urls("", "")) as rooms:
        account = await rooms.keys.first_account()
        connection = await rooms.connections.create(account, APP)
        await rooms.connections.activate(
            connection,
            upstream,
            {},
            also=lambda tx: rooms.tokens.keep(
                tx, connection.id, AccessToken(token, time.time() + 24 * 3600), None
            ),
        )
        _, secret = await rooms.keys.create(account, "benchmark")
    return secret


def body_of(name: str) -> bytes:
    """JSON of about a size, as an API would answer."""
    size = _BODY_SIZES[name]
    chance = random.Random(size)
    records: list[dict[str, str]] = []
    while len(json.dumps({"data": records})) < size:
        lead = next(leads.leads(chance.randrange(1_000_000), 1))
        records.append({name: lead[name] for name in ("Last_Name", "Email", "Company", "Lead_Status")})
    return json.dumps({"data": records}).encode()


def _candidates(scene: Scene, ways: Sequence[_Route], stack: ExitStack) -> Candidates:
    candidates: Candidates = {}
    core = machine.load_core(scene.workers)
    for size in SIZES:
        for connections in scene.connections:
            for way in ways:
                headers = {"Authorization": way.authorization, "Accept": "application/json"}
                request = raw("GET", f"{way.prefix}/{PATHS[size]}?fields=Last_Name", headers)
                file = stack.enter_context(written([request]))
                load = Load(way.url, file, connections, way.pid, core)
                candidates[f"{size}.c{connections} {way.name}"] = load.run
    return candidates


def _check(way: _Route, bodies: dict[str, bytes]) -> None:
    """The same bytes come back whichever way they are asked for."""
    for size, body in bodies.items():
        url = f"{way.url}{way.prefix}/{PATHS[size]}?fields=Last_Name"
        assert fetched(url, way.authorization) == body, f"{way.name} changed the body"


def _figures(scene: Scene, samples: dict[str, list[Sample]]) -> dict[str, list[float]]:
    figures: dict[str, list[float]] = {}
    for size in SIZES:
        for connections in scene.connections:
            case = f"{size}.c{connections}"
            ours, theirs = samples[f"{case} gateway"], samples[f"{case} nginx"]
            name = f"gateway.{scene.name}{case}"
            figures[f"{name}.per_second"] = [one.per_second for one in ours]
            figures[f"{name}.nginx_ratio"] = _part(ours, theirs)
            figures[f"{name}.cpu_us"] = cpu_us(ours)
            figures[f"{name}.nginx_cpu_us"] = cpu_us(theirs)
            figures[f"{name}.nginx_cpu_ratio"] = cpu_ratio(ours, theirs)
            if scene.directly:
                direct = samples[f"{case} direct"]
                figures[f"{name}.direct_ratio"] = _part(ours, direct)
                if connections == 1:
                    figures |= _waits(name, ours, theirs, direct)
    return figures


def _waits(
    name: str, ours: Sequence[Sample], theirs: Sequence[Sample], direct: Sequence[Sample]
) -> dict[str, list[float]]:
    added, nginx_added = _added(ours, direct), _added(theirs, direct)
    return {
        f"{name}.added_us": added,
        f"{name}.nginx_added_us": nginx_added,
        f"{name}.added_ratio": [this / that for this, that in zip(added, nginx_added, strict=True) if that],
    }


def _part(these: Sequence[Sample], those: Sequence[Sample]) -> list[float]:
    """Answers a second as a part of those of another way, round by round."""
    return [this.per_second / that.per_second for this, that in zip(these, those, strict=True)]


def _added(these: Sequence[Sample], direct: Sequence[Sample]) -> list[float]:
    """By how much half of the callers, or more, wait longer than without a proxy."""
    pairs = zip(these, direct, strict=True)
    return [this.median_us - that.median_us for this, that in pairs if this.median_us and that.median_us]
