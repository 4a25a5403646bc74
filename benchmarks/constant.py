"""A constant answer, through the protocol class that serves the CRM: python -m benchmarks.constant.

Answers are held against it, as it takes what any request takes before somebody looks at it. So is memory, as it has
loaded the libraries that a server loads, and of Moorage's own code only HTTP.
"""

import json
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import uvicorn

from benchmarks import leads, machine
from benchmarks.server import begun
from moorage.http.answering import Door, answering
from moorage.http.asgi import no_application
from moorage.http.bodies import Allowance, Budget
from moorage.http.errors import render
from moorage.http.message import Response

# What a server has loaded by its first answer, besides what the modules above have loaded.
_LIBRARIES = (
    *("apsw", "argon2", "msgspec", "sqlalchemy.dialects.sqlite", "starlette.routing", "uvloop"),
    *("cryptography.hazmat.primitives.ciphers.aead", "cryptography.hazmat.primitives.kdf.hkdf"),
)
_NO_BODY = Allowance(0, Budget(0))


@dataclass(frozen=True, slots=True)
class Constant:
    pid: int
    url: str


@contextmanager
def running() -> Iterator[Constant]:
    """The program, on the core of a server, until the block ends. Raises ServerFailed."""
    command = machine.interpreter("-m", "benchmarks.constant")
    with (
        tempfile.TemporaryDirectory() as folder,
        begun(command, machine.SERVER_CORE, Path(folder) / "log") as (pid, event),
    ):
        yield Constant(pid, event["url"])


def serve(door: Door) -> None:
    """Answer on a port of this machine until the process is ended. The first line of output says where."""
    config = uvicorn.Config(
        no_application, http=answering(door, render_error=render), loop="uvloop", lifespan="off", ws="none",
        log_config=None, access_log=False, server_header=False, proxy_headers=False, timeout_keep_alive=75,
    )  # fmt: skip
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
        uvicorn.Server(config).run(sockets=[listener])


def main() -> None:
    for library in _LIBRARIES:
        import_module(library)
    body = json.dumps({"data": list(leads.leads(0, 1))}).encode()
    response = Response(200, body, [(b"content-type", b"application/json")])
    door = Door(lambda _: response, lambda _: _NO_BODY)
    serve(door)


if __name__ == "__main__":
    main()
