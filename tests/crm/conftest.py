"""A whole CRM in a temporary folder, called through its one door as its origin calls it."""

import asyncio
import contextlib
import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import argon2
import pytest

from moorage.clock import FrozenClock
from moorage.crm.metadata.standard import DEMO, OrganisationSpec
from moorage.crm.service import CrmService
from moorage.crm.storage.postgresql.schemas import PostgresqlSchemas
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.http.message import Parts, Request
from moorage.http.spool import SpooledBody
from moorage.web import passwords
from tests.contracts.memory import MemoryOrganisations
from tests.crm.beginnings import (  # noqa: F401 (fixtures)
    BEGIN,
    Beginnings,
    Copies,
    Start,
    quick_openings,
    quicken,
    readings,
    token_of,
    was_used,
)
from tests.crm.folder import crm_in
from tests.postgresql import databases
from tests.waited import Waited

FULL_SCOPE = (
    "ZohoCRM.modules.ALL,ZohoCRM.share.all.ALL,ZohoCRM.settings.ALL,ZohoCRM.users.ALL,ZohoCRM.org.ALL,ZohoSearch.securesearch.READ"
    ",ZohoCRM.coql.READ"
    ",ZohoCRM.notifications.ALL"
    ",ZohoCRM.files.ALL"
    ",ZohoCRM.change_owner.CREATE,ZohoCRM.mass_update.all.UPDATE,ZohoCRM.mass_delete.all.DELETE"
    ",ZohoCRM.mass_convert.all.ALL"
)


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def data(self):
        return self.json["data"]


class Caller:
    """Calls the CRM with one token; None sends no Authorization header."""

    def __init__(self, service: CrmService, token: str | None, organisation: int) -> None:
        self.service = service
        self.token = token
        self.organisation = organisation

    def call(self, method, path, params=None, body=None, headers=None) -> Answer:
        if body is not None and not isinstance(body, bytes | SpooledBody):
            body = json.dumps(body).encode()
        signed = [] if self.token is None else [(b"authorization", b"Zoho-oauthtoken " + self.token.encode())]
        request = Request(
            method=method,
            path=path.encode() if path.startswith("/") else b"/crm/v8/" + quote(path, safe="/%").encode(),
            query=urlencode(params or {}).encode(),
            headers=[
                *signed,
                *((k.lower().encode(), v.encode()) for k, v in (headers or {}).items()),
            ],
            body=body or b"",
        )

        async def run():
            answer = self.service.answer(request)
            response = await answer if hasattr(answer, "__await__") else answer
            if isinstance(response.body, Parts):
                parts = [part async for part in response.body.parts]
                response.body = b"".join(parts)
            return response

        response = vars(self.service).get("_run", asyncio.run)(run())
        return Answer(response.status, response.body, {k.decode(): v.decode() for k, v in response.headers})

    def get(self, path, headers=None, **params) -> Answer:
        return self.call("GET", path, params, headers=headers)

    def post(self, path, body, **params) -> Answer:
        return self.call("POST", path, params, body)

    def put(self, path, body, headers=None, **params) -> Answer:
        return self.call("PUT", path, params, body, headers)

    def delete(self, path, **params) -> Answer:
        return self.call("DELETE", path, params)

    def insert(self, module, *records) -> list[str]:
        """Insert records that have to be right; gives their ids."""
        answer = self.post(module, {"data": list(records)})
        assert answer.status == 201, answer.body
        return [outcome["details"]["id"] for outcome in answer.data]

    def only(self, path, **params):
        answer = self.get(path, **params)
        assert answer.status == 200, answer.body
        return answer.data[0]


RecordServer = tuple[PostgresqlServer, Callable]
Kept = Callable[..., tuple[Caller, Path]]


@pytest.fixture(scope="session")
def copies(tmp_path_factory) -> Copies:
    return Copies(tmp_path_factory.mktemp("copies"))


@pytest.fixture(scope="session")
def beginnings(tmp_path_factory, copies) -> Beginnings:
    return Beginnings(tmp_path_factory.mktemp("beginnings"), copies)


@pytest.fixture(scope="module", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Passwords are hashed as ever, but with the least work; `real_hashes` takes that back."""
    with pytest.MonkeyPatch.context() as patch:
        quick = functools.partial(argon2.PasswordHasher, time_cost=1, memory_cost=8)
        patch.setattr(passwords, "PasswordHasher", quick)
        yield


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(BEGIN)


# What is asked in these holds for every storage, so they ask the one in memory, too. It knows no rule of Zoho's, and
# answers nothing at once.
ASKED_OF_EVERY_STORAGE = {
    "jobs": "steps",
    "composite": "composite",
    "events": "notifications",
    "settings": "recycle_bin formula_fields tags",
    "records": (
        "attachments delete insert list notes paging related relations repeats roll_ups round_trip rules strangers"
        " tagging timeline update upsert values"
    ),
    "search": "coql search views",
    "versions": "product_details",
}


def pytest_generate_tests(metafunc):
    path = metafunc.definition.path
    names = ASKED_OF_EVERY_STORAGE.get(path.parent.name, "").split()
    is_asked = path.stem.removeprefix("test_") in names or metafunc.definition.get_closest_marker(
        "every_storage"
    )
    if "storage_kind" in metafunc.fixturenames and is_asked:
        metafunc.parametrize("storage_kind", ["sqlite", "memory", "postgresql"], indirect=True)


@pytest.fixture
def storage_kind(request) -> str:
    """Which storage the organisations of `service` lie in."""
    return getattr(request, "param", "sqlite")


@pytest.fixture(scope="session")
def record_url(postgresql, postgresql_owner) -> Iterator[str]:
    """The URL of a database for the records of all tests."""
    with databases(postgresql, postgresql_owner) as make:
        yield make()


@contextlib.contextmanager
def on_server(url: str) -> Iterator[RecordServer]:
    """The server with a database, and the event loop that has its connections."""
    with asyncio.Runner() as runner:
        server = PostgresqlServer(url)
        yield server, runner.run
        server.close()


@pytest.fixture(scope="session")
def record_server(record_url) -> Iterator[RecordServer]:
    with on_server(record_url) as server:
        yield server


@contextlib.contextmanager
def opened(
    copies: Copies, folder: Path, clock: FrozenClock, kind: str, record_server: Callable[[], RecordServer]
) -> Iterator[CrmService]:
    """The CRM in a folder, with its organisations in a storage of some kind."""
    storage, run = copies.storage(folder, clock), asyncio.run
    if kind != "sqlite":
        storage.organisations.close()
    if kind == "memory":
        storage.organisations = MemoryOrganisations(clock, readings().of_documents)
    elif kind == "postgresql":
        server, run = record_server()
        storage.organisations = PostgresqlSchemas(lambda _: server, clock)
    service = Waited(crm_in(folder, clock, storage=storage), run=run)
    if kind == "sqlite":
        quicken(service.organisations.wrapped, folder / "orgs", clock)
    yield service
    places = [row.place for row in service.organisations.list()] if kind == "postgresql" else []
    service.close()
    for place in places:
        storage.organisations.remove(place)


@pytest.fixture
def service(
    request, tmp_path: Path, clock: FrozenClock, copies: Copies, storage_kind: str
) -> Iterator[CrmService]:
    record_server = functools.partial(request.getfixturevalue, "record_server")
    with opened(copies, tmp_path / "crm", clock, storage_kind, record_server) as service:
        yield service


@pytest.fixture(scope="session")
def kept_crms(request, tmp_path_factory, copies: Copies, beginnings: Beginnings) -> Iterator[Kept]:
    """Gives the owner of an organisation in a storage of some kind, and its file if it has one.

    It is made once for all tests, or for those `of` one file.
    """
    with contextlib.ExitStack() as stack:

        def record_server() -> RecordServer:
            """With a database of its own, as organisations of other tests have the same ids."""
            named = map(request.getfixturevalue, ("postgresql", "postgresql_owner"))
            return stack.enter_context(on_server(stack.enter_context(databases(*named))()))

        @functools.cache
        def made(kind: str, *, sample: bool = False, of: str | None = None) -> tuple[Caller, Path]:
            folder, clock = tmp_path_factory.mktemp("kept") / "crm", FrozenClock(BEGIN)
            service = stack.enter_context(opened(copies, folder, clock, kind, record_server))
            caller = begun_in(service, folder, clock, kind, beginnings)("acme", sample=sample)
            caller.get("org")  # Now its file is open.
            return caller, folder / "orgs" / "acme.db-wal"

        yield made


@pytest.fixture
def kept_crm(kept_crms, storage_kind: str) -> Iterator[Caller]:
    """The owner of an empty organisation of all tests in this process. It is for calls that change nothing."""
    with unchanged(*kept_crms(storage_kind, sample=False)) as caller:
        yield caller


@pytest.fixture
def kept_demo(kept_crms, storage_kind: str) -> Iterator[Caller]:
    """The same with the sample records."""
    with unchanged(*kept_crms(storage_kind, sample=True)) as caller:
        yield caller


@contextlib.contextmanager
def unchanged(caller: Caller, log: Path) -> Iterator[Caller]:
    """Holds a test to it that it changes nothing, as far as the log of a file tells it."""
    before = log.stat().st_mtime_ns if log.exists() else None
    yield caller
    assert (log.stat().st_mtime_ns if log.exists() else None) == before, "it has changed what others share"


@pytest.fixture
def caller_of(service: CrmService):
    """Make a caller: the user of that number in an organisation, which is named by its slug, with the scopes given."""

    def make(slug: str, scope: str = FULL_SCOPE, user: int = 0) -> Caller:
        row = service.organisations.find(slug)
        return Caller(service, token_of(service, row, scope, user), row.id)

    return make


def spec_of(**changes) -> OrganisationSpec:
    return OrganisationSpec(**({f: getattr(DEMO, f) for f in DEMO.__slots__} | changes))


@pytest.fixture
def make_organisation(service: CrmService):
    def make(slug: str, *, sample: bool = False, **changes) -> None:
        service.organisations.create(slug, spec_of(**changes), sample=sample)

    return make


def begun_in(
    service: CrmService, folder: Path, clock: FrozenClock, kind: str, beginnings: Beginnings
) -> Callable[..., Caller]:
    """Makes organisations, and calls each as its owner. That is quick as long as nothing was asked of the CRM."""
    starts = []

    def make(slug: str, *, sample: bool = False, scope: str = FULL_SCOPE, **changes) -> Caller:
        start = Start(slug, spec_of(**changes), sample, scope)
        if was_used(service._storage):
            row = service.organisations.create(slug, start.spec, sample=sample)
            return Caller(service, token_of(service, row, scope), row.id)
        starts.append(start)
        begun = beginnings.begun(clock, starts)
        begun.put(folder)
        if kind != "sqlite":
            service.organisations._make(begun.row, start.spec, sample=sample)
        return Caller(service, begun.token, begun.row.id)

    return make


@pytest.fixture
def begin(
    tmp_path: Path, clock: FrozenClock, service: CrmService, storage_kind: str, beginnings: Beginnings
) -> Callable[..., Caller]:
    """Makes an organisation, and calls it as its owner."""
    return begun_in(service, tmp_path / "crm", clock, storage_kind, beginnings)


@pytest.fixture
def crm(begin) -> Caller:
    """The owner of an empty organisation."""
    return begin("acme")


@pytest.fixture
def demo(begin) -> Caller:
    """The owner of an organisation with the sample records."""
    return begin("demo", sample=True)


@pytest.fixture
def stranger(begin) -> Caller:
    """The owner of another organisation on the same server."""
    return begin("other", name="Other")


@pytest.fixture
def nobody(service: CrmService) -> Caller:
    """A caller without credentials."""
    return Caller(service, None, 0)
