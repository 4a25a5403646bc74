"""What the CRM is measured on: a server over a copy of the data, and what it is to be asked."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import data, machine
from benchmarks.load import Load, raw, written
from benchmarks.plan import Plan, plan
from benchmarks.run import Run
from benchmarks.server import Server, running


@dataclass(frozen=True, slots=True)
class Scene:
    """`database` is the process of the PostgreSQL behind the server, if there is one."""

    server: Server
    plan: Plan
    records: int
    workers: int = field(default=1, kw_only=True)
    database: int | None = field(default=None, kw_only=True)

    @property
    def authorization(self) -> str:
        return f"Zoho-oauthtoken {self.plan.token}"

    def reads(self, stack: ExitStack, name: str, connections: int) -> Load:
        """The load of a read of the plan. Its file is removed with the stack."""
        return self.load(stack, self.questions(name), connections)

    def questions(self, name: str) -> list[bytes]:
        """The requests of a read of the plan."""
        return [self.request("GET", target) for target in self.plan.reads[name].targets]

    def request(self, method: str, target: str, body: bytes = b"") -> bytes:
        return raw(method, target, {"Authorization": self.authorization}, body)

    def load(self, stack: ExitStack, requests: list[bytes], connections: int) -> Load:
        file = stack.enter_context(written(requests))
        core = machine.load_core(self.workers)
        return Load(self.server.crm, file, connections, self.server.pid, core, self.database)


@dataclass(frozen=True, slots=True)
class SqliteScene(Scene):
    """`file` is that of the organisation."""

    file: Path


@contextmanager
def scene(run: Run) -> Iterator[SqliteScene]:
    """One worker on its own core, over a copy of the data. Raises ServerFailed."""
    ready = data.prepare(run.folder, run.leads)
    with tempfile.TemporaryDirectory(prefix="run-", dir=run.folder) as name:
        home = Path(name)
        data.copy(ready, home / "crm")
        made = asyncio.run(plan(home / "crm", ready.count))
        with running(home) as server:
            yield SqliteScene(server, made, ready.count, organisation_file(home))


def organisation_file(home: Path) -> Path:
    return home / "crm" / "orgs" / f"{data.SLUG}.db"
