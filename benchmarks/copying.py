"""Copies bodies to a file and gives it back, through the protocol that serves the CRM: python -m benchmarks.copying.

Uploads and downloads are held against it: it does with a file what any program does that only keeps it.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import machine
from benchmarks.constant import Constant, serve
from benchmarks.server import begun
from moorage.crm.trouble import spool_trouble
from moorage.http.answering import Door
from moorage.http.bodies import MAX_HELD, Allowance, Budget
from moorage.http.message import Parts, Request, Response
from moorage.http.spool import Spool

_LONGEST = 200 * 1024 * 1024
_PART = 256 * 1024


@contextmanager
def running(folder: Path) -> Iterator[Constant]:
    """The program, on the core of a server, until the block ends. It keeps its file in `folder`."""
    command = machine.interpreter("-m", "benchmarks.copying", str(folder))
    with (
        tempfile.TemporaryDirectory() as logs,
        begun(command, machine.SERVER_CORE, Path(logs) / "log") as (pid, event),
    ):
        yield Constant(pid, event["url"])


class Copy:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "copy"

    def answer(self, request: Request) -> Awaitable[Response]:
        return self._take(request) if request.method == "POST" else self._give()

    async def _take(self, request: Request) -> Response:
        await asyncio.to_thread(self._write, request)
        return Response(200, b"{}")

    def _write(self, request: Request) -> None:
        with self._file.open("wb") as target:
            shutil.copyfileobj(request.file(), target, _PART)
            target.flush()
            os.fsync(target.fileno())

    async def _give(self) -> Response:
        return Response(200, Parts(self._file.stat().st_size, self._parts()))

    async def _parts(self) -> AsyncGenerator[bytes, None]:
        with self._file.open("rb", buffering=0) as source:
            while part := await asyncio.to_thread(source.read, _PART):
                yield part


def main() -> None:
    folder = Path(sys.argv[1])
    allowance = Allowance(_LONGEST, Budget(MAX_HELD, Spool(folder, spool_trouble)))
    door = Door(Copy(folder).answer, lambda _: allowance)
    serve(door)


if __name__ == "__main__":
    main()
