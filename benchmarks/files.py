"""A long attachment up and down, on both storages, against a file that is copied through the same HTTP server."""

import asyncio
import hashlib
import http.client
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from benchmarks import copying, data, database, machine
from benchmarks.bare_files import BareFiles
from benchmarks.figures import FILE_STORAGES, FILE_WAYS
from benchmarks.plan import access
from benchmarks.postgresql_data import Home
from benchmarks.run import Run
from benchmarks.server import Server, running
from moorage.clock import SystemClock
from moorage.crm.metadata.standard import DEMO
from moorage.crm.service import CrmService
from moorage.crm.storage.sqlite.storage import SqliteStorage

_MB = 1024 * 1024
_BOUNDARY = "files"
_HEAD = (
    f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
).encode()
_END = f"\r\n--{_BOUNDARY}--\r\n".encode()
_PIECE = 256 * 1024
_BARE = "bare"  # PostgreSQL alone.
_EVERY = 0.01  # Seconds between two looks at the memory.


@dataclass(frozen=True, slots=True)
class Target:
    """Where a file goes, and comes from: the path of the copy has none of an attachment below it."""

    pid: int
    url: str
    path: str
    authorization: str = ""


@dataclass(slots=True)
class Taken:
    """What one round took: seconds up and down, and by how many MB the memory rose."""

    upload: float
    download: float
    memory_mb: float


def measure(run: Run) -> dict[str, list[float]]:
    """Every figure of files. Raises DatabaseMissing, ServerFailed."""
    with tempfile.TemporaryDirectory(prefix="files-", dir=_made(run.folder)) as place, ExitStack() as stack:
        folder = Path(place)
        copied = stack.enter_context(copying.running(_made(folder / "copy")))
        targets = {"copy": Target(copied.pid, copied.url, "/")}
        targets["sqlite"] = stack.enter_context(_on_sqlite(_made(folder / "sqlite")))
        targets["postgresql"], bare = stack.enter_context(_on_postgresql(folder))
        taken: dict[str, list[Taken]] = {where: [] for where in (*targets, _BARE)}
        content = bytearray(os.urandom(run.file_mb * _MB))
        for number in range(run.rounds + 1):
            for where, target in targets.items():
                once = _there_and_back(target, content)
                if number:  # The first round warms up.
                    taken[where].append(once)
            floor = Taken(*bare.there_and_back(content), 0)
            if number:
                taken[_BARE].append(floor)
    return _figures(taken, run.file_mb)


def _figures(taken: dict[str, list[Taken]], size: int) -> dict[str, list[float]]:
    figures = {}
    for storage in FILE_STORAGES:
        ours, copies = taken[storage], taken["copy"]
        for way in FILE_WAYS:
            name, both = f"files.{storage}.{way}", list(zip(ours, copies, strict=True))
            figures[f"{name}.mb_per_second"] = [size / getattr(each, way) for each in ours]
            figures[f"{name}.copy_ratio"] = [getattr(copy, way) / getattr(our, way) for our, copy in both]
        figures[f"files.{storage}.memory_mb"] = [each.memory_mb for each in ours]
    both = list(zip(taken["postgresql"], taken[_BARE], strict=True))
    for way in FILE_WAYS:
        name = f"files.postgresql.{way}"
        figures[f"{name}.bare_mb_per_second"] = [size / getattr(bare, way) for _, bare in both]
        figures[f"{name}.floor_ratio"] = [getattr(our, way) / getattr(bare, way) for our, bare in both]
    return figures


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _on_sqlite(folder: Path) -> Iterator[Target]:
    async def lead() -> tuple[str, str]:
        clock = SystemClock()
        service = CrmService(SqliteStorage(folder / "crm", clock), folder / "crm", clock, "http://127.0.0.1")
        try:
            return await _lead(service)
        finally:
            await service.close()

    path, token = asyncio.run(lead())
    with running(folder) as server:
        yield _target(server, path, token)


@contextmanager
def _on_postgresql(folder: Path) -> Iterator[tuple[Target, BareFiles]]:
    with database.fresh(folder) as (server, place):
        server.create("files")
        home = Home(_made(place / "home"), server.url("files"))

        async def lead() -> tuple[str, str]:
            async with home.crm(SystemClock()) as service:
                return await _lead(service)

        path, token = asyncio.run(lead())
        with home.serving() as served, closing(BareFiles(server.url("files"))) as bare:
            yield _target(served, path, token), bare


async def _lead(service: CrmService) -> tuple[str, str]:
    """The path of a new lead's attachments, and a token."""
    row = await service.organisations.create(data.SLUG, DEMO, sample=False)
    await data.insert(service.organisations, row.id, 0, 1)
    organisation, token = await access(service, data.SLUG)
    leads = organisation.catalog.modules["Leads"]
    ids = await organisation.store.write(lambda transaction: transaction.new_ids(1))
    existing = await organisation.store.write(
        lambda transaction: transaction.existing(leads, range(ids[0] - 10, ids[0]))
    )
    return f"/crm/v8/Leads/{max(existing)}/Attachments", token


def _target(server: Server, path: str, token: str) -> Target:
    return Target(server.pid, server.crm, path, f"Zoho-oauthtoken {token}")


def _there_and_back(target: Target, content: bytearray) -> Taken:
    """Send a file that nobody has sent before, and read it again."""
    content[:16] = os.urandom(16)
    with _watched(target.pid) as risen:
        started = time.perf_counter()
        path = _sent(target, content)
        sent = time.perf_counter()
        digest = _received(target, path)
        received = time.perf_counter()
    # The copy has the boundaries, too.
    kept: list[bytes | bytearray] = [content]
    if path == target.path:
        kept = [_HEAD, content, _END]
    assert digest == _digest(kept), "the file came back with other bytes"
    return Taken(sent - started, received - sent, risen())


def _sent(target: Target, content: bytearray) -> str:
    """Send a file; gives the path at which it can be read."""
    connection = http.client.HTTPConnection(urlsplit(target.url).netloc, timeout=120)
    connection.putrequest("POST", target.path)
    connection.putheader("Authorization", target.authorization)
    connection.putheader("Content-Type", f"multipart/form-data; boundary={_BOUNDARY}")
    connection.putheader("Content-Length", str(len(_HEAD) + len(content) + len(_END)))
    connection.endheaders(_HEAD)
    connection.send(content)
    connection.send(_END)
    answer = connection.getresponse()
    body = msgspec.json.decode(answer.read())
    connection.close()
    assert answer.status == 200, body
    return f"{target.path}/{body['data'][0]['details']['id']}" if "data" in body else target.path


def _digest(pieces: Iterable[bytes | bytearray]) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def _received(target: Target, path: str) -> bytes:
    """The digest of a file that is read."""
    connection = http.client.HTTPConnection(urlsplit(target.url).netloc, timeout=120)
    connection.request("GET", path, headers={"Authorization": target.authorization})
    answer = connection.getresponse()
    digest = _digest(iter(lambda: answer.read(_PIECE), b""))
    connection.close()
    return digest


@contextmanager
def _watched(pid: int) -> Iterator[Callable[[], float]]:
    """Look at the memory of a process again and again; gives how much it rose at most, in MB."""
    idle, most, over = _memory(pid), [0.0], threading.Event()

    def look() -> None:
        while not over.wait(_EVERY):
            most[0] = max(most[0], _memory(pid) - idle)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield lambda: most[0]
    finally:
        over.set()
        thread.join()


def _memory(pid: int) -> float:
    return machine.memory_mb(pid, "Pss_Anon") or 0.0
