"""The gateway in front of a local upstream, against nginx doing the same and against no proxy at all."""

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import leads, machine, nginx
from benchmarks.figures import CONNECTIONS, SIZES
from benchmarks.load import Load, Sample, cpu_ratio, cpu_us, fetched, raw, rounds, written
from benchmarks.server import running
from moorage.app import Urls, open_rooms
from moorage.connections.model import Upstream
from moorage.oauth.tokens import AccessToken
from moorage.settings import load
from moorage.storage.migrate import migrate

_APP = "zoho-crm"
_TOKEN = "1000.0123456789abcdef0123456789abcdef.0123456789abcdef0123456789abcdef"
_AUTHORIZATION = f"Zoho-oauthtoken {_TOKEN}"
_BODY_SIZES = {"1kb": 1_000, "60kb": 60_000}
_PATHS = {"1kb": "crm/v8/Leads", "60kb": "crm/v8/Contacts"}


@dataclass(frozen=True, slots=True)
class _Route:
    """A way to the upstream. `pid` is of the process whose CPU time is counted."""

    name: str
    url: str
    pid: int
    prefix: str
    authorization: str


def measure(folder: Path, count: int, seconds: int) -> dict[str, list[float]]:
    """Every figure of the gateway, none without nginx. Raises ServerFailed, NginxFailed, LoadFailed."""
    if machine.program("nginx") is None:
        print("gateway: not measured, because nginx is not installed (Debian: apt-get install nginx).")
        return {}
    bodies = {size: _body(_BODY_SIZES[size]) for size in SIZES}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as name, ExitStack() as stack:
        ways = stack.enter_context(_ways(Path(name), bodies))
        for way in ways:
            _check(way, bodies)
        return _figures(rounds(_candidates(ways, stack), count, seconds))


@contextmanager
def _ways(folder: Path, bodies: dict[str, bytes]) -> Iterator[list[_Route]]:
    home = folder / "home"
    files = {_PATHS[size]: body for size, body in bodies.items()}
    with ExitStack() as stack:
        upstream = stack.enter_context(nginx.upstream(folder / "upstream", files, _AUTHORIZATION))
        key = asyncio.run(_connect(home, upstream.url))
        proxy = stack.enter_context(nginx.proxy(folder / "proxy", upstream.url, key, _AUTHORIZATION))
        server = stack.enter_context(running(home))
        yield [
            _Route("gateway", server.gateway, server.pid, f"/{_APP}", f"Bearer {key}"),
            _Route("nginx", proxy.url, proxy.pid, f"/{_APP}", f"Bearer {key}"),
            _Route("direct", upstream.url, upstream.pid, "", _AUTHORIZATION),
        ]


async def _connect(home: Path, upstream: str) -> str:
    """An API key whose account has one connection, which leads to the upstream."""
    settings = load({"MOORAGE_HOME": str(home)})
    migrate(settings.database_url)
    async with open_rooms(settings, Urls("", "")) as rooms:
        account = await rooms.keys.first_account()
        connection = await rooms.connections.create(account, _APP)
        token = AccessToken(_TOKEN, time.time() + 24 * 3600)
        await rooms.connections.activate(
            connection,
            Upstream("remote", base_url=upstream),
            {},
            also=lambda tx: rooms.tokens.keep(tx, connection.id, token, None),
        )
        _, secret = await rooms.keys.create(account, "benchmark")
    return secret


def _body(size: int) -> bytes:
    """JSON of about that size, as an API would answer."""
    chance = random.Random(size)
    records: list[dict[str, str]] = []
    while len(json.dumps({"data": records})) < size:
        lead = next(leads.leads(chance.randrange(1_000_000), 1))
        records.append({name: lead[name] for name in ("Last_Name", "Email", "Company", "Lead_Status")})
    return json.dumps({"data": records}).encode()


def _candidates(ways: Sequence[_Route], stack: ExitStack) -> dict[str, Callable[[int], Sample]]:
    candidates: dict[str, Callable[[int], Sample]] = {}
    for size in SIZES:
        for connections in CONNECTIONS:
            for way in ways:
                headers = {"Authorization": way.authorization, "Accept": "application/json"}
                request = raw("GET", f"{way.prefix}/{_PATHS[size]}?fields=Last_Name", headers)
                file = stack.enter_context(written([request]))
                candidates[f"{size}.c{connections} {way.name}"] = Load(
                    way.url, file, connections, way.pid
                ).run
    return candidates


def _check(way: _Route, bodies: dict[str, bytes]) -> None:
    """The same bytes come back whichever way they are asked for."""
    for size, body in bodies.items():
        url = f"{way.url}{way.prefix}/{_PATHS[size]}?fields=Last_Name"
        assert fetched(url, way.authorization) == body, f"{way.name} changed the body"


def _figures(samples: dict[str, list[Sample]]) -> dict[str, list[float]]:
    figures: dict[str, list[float]] = {}
    for size in SIZES:
        for connections in CONNECTIONS:
            case = f"{size}.c{connections}"
            ours, theirs, direct = (samples[f"{case} {way}"] for way in ("gateway", "nginx", "direct"))
            name = f"gateway.{case}"
            figures[f"{name}.per_second"] = [one.per_second for one in ours]
            figures[f"{name}.nginx_ratio"] = _part(ours, theirs)
            figures[f"{name}.direct_ratio"] = _part(ours, direct)
            figures[f"{name}.cpu_us"] = cpu_us(ours)
            figures[f"{name}.nginx_cpu_us"] = cpu_us(theirs)
            figures[f"{name}.nginx_cpu_ratio"] = cpu_ratio(ours, theirs)
            if connections == 1:
                figures[f"{name}.added_us"] = _added(ours, direct)
                figures[f"{name}.nginx_added_us"] = _added(theirs, direct)
    return figures


def _part(these: Sequence[Sample], those: Sequence[Sample]) -> list[float]:
    """Answers a second as a part of those of another way, round by round."""
    return [this.per_second / that.per_second for this, that in zip(these, those, strict=True)]


def _added(these: Sequence[Sample], direct: Sequence[Sample]) -> list[float]:
    """By how much half of the callers, or more, wait longer than without a proxy."""
    pairs = zip(these, direct, strict=True)
    return [this.median_us - that.median_us for this, that in pairs if this.median_us and that.median_us]
