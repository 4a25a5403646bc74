"""A small load generator for machines without wrk: python -m benchmarks.client HOST PORT FILE CONNECTIONS SECONDS."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import cast

import httptools
import uvloop


class Connection(asyncio.Protocol):
    """Sends the next request as soon as an answer is complete, until the time is over."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waits: list[float] = []
        self.refused = 0
        self.broken = False
        self._requests = requests
        self._until = until
        self._parser = httptools.HttpResponseParser(self)
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.over.done():
            self.broken = True
            self.over.set_result(None)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self.waits.append(now - self._sent)
        self.refused += self._parser.get_status_code() >= 400
        if now < self._until:
            self._send()
        elif not self.over.done():
            self.over.set_result(None)
            self._transport.close()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))


def read(path: Path) -> Iterator[bytes]:
    """The requests of a file, each after a line with its length."""
    with path.open("rb") as file:
        while size := file.readline():
            yield file.read(int(size))


async def load(
    host: str, port: int, path: Path, count: int, seconds: float, kind: type[Connection] = Connection
) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    requests = cycle(list(read(path)))
    started = time.perf_counter()
    opened = [
        await loop.create_connection(lambda: kind(requests, started + seconds), host, port)
        for _ in range(count)
    ]
    connections = [connection for _, connection in opened]
    await asyncio.gather(*(connection.over for connection in connections))
    waits = [wait for connection in connections for wait in connection.waits]
    return {
        "answers": len(waits),
        "seconds": time.perf_counter() - started,
        "median_us": median(waits) * 1e6 if waits else 0,
        "refused": sum(connection.refused for connection in connections),
        "broken": sum(connection.broken for connection in connections),
    }


def main() -> None:
    host, port, path, count, seconds = sys.argv[1:]
    print(json.dumps(uvloop.run(load(host, int(port), Path(path), int(count), float(seconds)))))


if __name__ == "__main__":
    main()
