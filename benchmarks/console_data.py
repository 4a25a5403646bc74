"""What the console is measured on: leads, calls in the request log, an owner who is signed in."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import msgspec
import sqlalchemy as sa
from starlette.responses import Response

from benchmarks.embedded import connected_home
from benchmarks.gateway import APP
from benchmarks.run import Run
from moorage.digests import digest_of
from moorage.ids import new_uuid
from moorage.people import store as people
from moorage.people.model import new_person
from moorage.requests import place, store
from moorage.requests.blocks import Called, NewBlock
from moorage.requests.notes import Caller, Operation
from moorage.rooms import Rooms, Urls, open_rooms
from moorage.settings import load
from moorage.web.browser import new_random

_SPAN = (
    45 * 60
)  # So many seconds ago the oldest call came. Pages show the last hour, so they count all of them.
_MICROSECONDS = 1_000_000
_KEYS = 5
_PATHS = 40  # Of each operation, as programs ask for different fields and pages.
_CALLED = (
    (b"GET", b"/crm/v8/Leads?fields=Last_Name&page=%d", "GET /crm/v8/{module}", "Leads"),
    (b"GET", b"/crm/v8/Contacts?fields=Email&page=%d", "GET /crm/v8/{module}", "Contacts"),
    (b"GET", b"/crm/v8/Leads/600000000000%d", "GET /crm/v8/{module}/{record}", "Leads"),
    (b"GET", b"/crm/v8/Deals/search?criteria=*&page=%d", "GET /crm/v8/{module}/search", "Deals"),
    (b"POST", b"/crm/v8/coql?v=%d", "POST /crm/v8/coql", "Leads"),
)
_FAILED = 0.1  # So many of the calls, in the ways that follow.
_FAILURES = (
    (404, "upstream", None),
    (400, "upstream", None),
    (500, "upstream", None),
    (429, "gateway", "rate_limited"),
    (502, "gateway", "upstream_unreachable"),
)


@dataclass(frozen=True, slots=True)
class Home:
    """A data folder, and the Cookie header of the owner's browser."""

    folder: Path
    cookie: str


@contextmanager
def home(run: Run) -> Iterator[Home]:
    """A data folder with the leads of a run and as many `calls`, in which an owner is signed in."""
    with connected_home(run) as (folder, _, _):
        yield Home(folder, asyncio.run(_filled(folder, run.calls)))


async def _filled(folder: Path, calls: int) -> str:
    settings = load({"MOORAGE_HOME": str(folder)})
    place.prepare(settings)
    async with open_rooms(settings, Urls("", "")) as rooms:
        account = await rooms.keys.first_account()
        [connection] = await rooms.connections.search(account, limit=1)
        _log(place.url_of(settings), account, connection.id, calls)
        return await _signed_in(rooms, account)


async def _signed_in(rooms: Rooms, account: str) -> str:
    person, browser = new_person(account, "Ada", "ada@example.com", "owner"), new_random()
    async with rooms.database.transaction() as tx:
        await people.add(tx, person, people.NO_PASSWORD)
        session = people.Session(new_uuid()[:13], person.id, tx.now, tx.now, "127.0.0.1", "benchmark")
        await people.add_session(tx, digest_of(browser), session, oldest=0)
    answer = Response()
    rooms.sessions.put(answer, browser)
    return answer.headers["set-cookie"].partition(";")[0]


def _log(url: str, account: str, connection: str, count: int) -> None:
    """Write calls as the writer of the log does, the oldest first."""
    chance, now = random.Random(17), time.time()
    engine = sa.create_engine(url)
    # The log is written once a second.
    ages = [_SPAN * (1 - (index + 1) / count) for index in range(count)]
    seconds = [list(group) for _, group in groupby(ages, int)]
    with engine.begin() as opened:
        for began in seconds:
            block = _block(chance, account, connection, began)
            written_at = int((now - began[-1]) * _MICROSECONDS)
            # Moments are seconds of a clock, which stands at 0 now.
            store.add(written_at, int(now * _MICROSECONDS), [block], opened)
    engine.dispose()


def _block(chance: random.Random, account: str, connection: str, began: Sequence[float]) -> NewBlock:
    """A block of calls that began so many seconds ago, of which some have failed."""
    called: dict[tuple[int, int, int], int] = {}
    order, endings = [], []
    for ago in began:
        what = chance.randrange(_KEYS), chance.randrange(len(_CALLED)), chance.randrange(_PATHS)
        order.append(called.setdefault(what, len(called)))
        failed = chance.random() < _FAILED
        status, source, error = chance.choice(_FAILURES) if failed else (200, "upstream", None)
        identity = b"%016x" % chance.getrandbits(64)
        plain = -ago, -ago + 0.021, status, identity, chance.randrange(200, 60_000), 0
        endings.append((*plain, 0.0, -ago, source, error, "false") if failed else plain)
    content = {"called": [_called(account, connection, what) for what in called], "order": order}
    return NewBlock(account, len(began), msgspec.msgpack.encode(content | {"endings": endings}))


def _called(account: str, connection: str, what: tuple[int, int, int]) -> Called:
    key, index, number = what
    method, path, operation, module = _CALLED[index]
    caller = Caller(account, f"key_00000000-000{key}", APP, connection, "embedded")
    return Called(caller, method, path % number, Operation(operation, "read", (module,)))
