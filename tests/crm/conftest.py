"""A whole CRM in a temporary folder, called through its one door as its origin calls it."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from urllib.parse import quote, urlencode
from weakref import WeakKeyDictionary

import argon2
import pytest

from moorage.clock import FrozenClock
from moorage.crm.accounts import people
from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.metadata.standard import DEMO, OrganisationSpec
from moorage.crm.organisations import service as organisations_service
from moorage.crm.organisations.service import Organisations
from moorage.crm.service import CrmService
from moorage.crm.storage.postgresql import schemas
from moorage.crm.storage.postgresql.documents import documents_of
from moorage.crm.storage.postgresql.schemas import PostgresqlSchemas
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.crm.storage.sqlite import organisation_files
from moorage.crm.storage.sqlite import storage as sqlite_storage
from moorage.crm.storage.sqlite.metadata_change import version
from moorage.crm.storage.sqlite.readers import OrganisationFile
from moorage.crm.storage.sqlite.storage import SqliteStorage
from moorage.http.message import Parts, Request
from tests.contracts.memory import MemoryOrganisations
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

BEGIN = datetime(2026, 2, 6, 9, 10, 56, tzinfo=UTC)


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
        if body is not None and not isinstance(body, bytes):
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


class Copies:
    """New organisations and their folders. Each is made once in a process and then copied, which is faster."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._organisations: dict[object, Path] = {}
        Waited(crm_in(folder / "empty", FrozenClock(BEGIN))).close()

    def storage(self, folder: Path, clock: FrozenClock) -> SqliteStorage:
        """The storage in a folder. The files of a new one are copied, and known to be up to date."""
        if not folder.exists():
            shutil.copytree(self._folder / "empty", folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sqlite_storage, "migrate", lambda *_, **__: None)
            return SqliteStorage(folder, clock)

    def quicken(self, organisations: Organisations, orgs: Path, clock: FrozenClock) -> None:
        """Copy new organisations. An organisation that exists already is made again in the usual way."""
        make = organisations._make

        def made(row, spec, *, sample):
            path, key = orgs / f"{row.slug}.db", (row.id, row.slug, spec, sample, clock.timestamp())
            if key in self._organisations and not path.exists():
                shutil.copy(self._organisations[key], path)
                return
            is_new = not path.exists()
            make(row, spec, sample=sample)
            if is_new:
                self._organisations[key] = self._folder / f"{len(self._organisations)}.db"
                shutil.copy(path, self._organisations[key])

        organisations._make = made


@pytest.fixture(scope="session")
def copies(tmp_path_factory) -> Copies:
    return Copies(tmp_path_factory.mktemp("copies"))


class Readings:
    """What organisations begin with, and what their files say: worked out once for all that begin or say the same."""

    def __init__(self) -> None:
        self.documents = cache(organisations_service.documents_of)
        self._read, self._catalog = organisation_files._read_metadata, organisation_files.Catalog
        self._metadata: dict[object, Metadata] = {}
        self._by_documents: dict[int, tuple[Sequence[Document], Metadata]] = {}
        self._catalogs = WeakKeyDictionary[Metadata, Catalog]()
        self._documents: dict[object, list[Document]] = {}

    def documents_of(self, rows) -> list[Document]:
        """For the storage on PostgreSQL."""
        said = tuple(rows)
        if said not in self._documents:
            self._documents[said] = documents_of(said)
        return self._documents[said]

    def of_documents_alone(self, documents: Sequence[Document]) -> Metadata:
        return self.of_documents(documents)[0]

    def metadata(self, file: OrganisationFile) -> tuple[int, Metadata]:
        with contextlib.closing(file.connect()) as connection:
            connection.execute("BEGIN")
            known_version = version(connection)
            said = tuple(connection.execute("SELECT * FROM metadata ORDER BY position"))
        if said not in self._metadata:
            self._metadata[said] = self._read(file)[1]
        return known_version, self._metadata[said]

    def of_documents(self, documents: Sequence[Document]) -> tuple[Metadata, Catalog]:
        """For the storage in memory, which is given the very documents that are worked out once."""
        metadata = self._by_documents.setdefault(id(documents), (documents, Metadata(documents)))[1]
        return metadata, self.catalog(metadata)

    def catalog(self, metadata: Metadata) -> Catalog:
        if metadata not in self._catalogs:
            self._catalogs[metadata] = self._catalog(metadata)
        return self._catalogs[metadata]


@pytest.fixture(scope="session")
def readings() -> Readings:
    return Readings()


@pytest.fixture(scope="module", autouse=True)
def quick_openings(readings) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(organisations_service, "documents_of", readings.documents)
        patch.setattr(organisation_files, "_read_metadata", readings.metadata)
        patch.setattr(organisation_files, "Catalog", readings.catalog)
        patch.setattr(schemas, "documents_of", readings.documents_of)
        patch.setattr(schemas, "Metadata", readings.of_documents_alone)
        patch.setattr(schemas, "Catalog", readings.catalog)
        yield


@pytest.fixture(scope="module", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Passwords are hashed as ever, but with the least work; `real_hashes` takes that back."""
    with pytest.MonkeyPatch.context() as patch:
        quick = partial(argon2.PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(people, "PasswordHasher", quick)
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
    if "service" in metafunc.fixturenames and is_asked:
        metafunc.parametrize("storage_kind", ["sqlite", "memory", "postgresql"], indirect=True)


@pytest.fixture
def storage_kind(request) -> str:
    """Which storage the organisations of `service` lie in."""
    return getattr(request, "param", "sqlite")


@pytest.fixture(scope="session")
def record_server(postgresql, postgresql_owner) -> Iterator[tuple[PostgresqlServer, Callable]]:
    """A server for the records of all tests, and the event loop that has its connections."""
    with databases(postgresql, postgresql_owner) as make, asyncio.Runner() as runner:
        server = PostgresqlServer(make())
        yield server, runner.run
        server.close()


@pytest.fixture
def service(
    request,
    tmp_path: Path,
    clock: FrozenClock,
    copies: Copies,
    readings: Readings,
    storage_kind: str,
) -> Iterator[CrmService]:
    storage, run = copies.storage(tmp_path / "crm", clock), asyncio.run
    if storage_kind != "sqlite":
        storage.organisations.close()
    if storage_kind == "memory":
        storage.organisations = MemoryOrganisations(clock, readings.of_documents)
    elif storage_kind == "postgresql":
        server, run = request.getfixturevalue("record_server")
        storage.organisations = PostgresqlSchemas(lambda _: server, clock)
    service = Waited(crm_in(tmp_path / "crm", clock, storage=storage), run=run)
    if storage_kind == "sqlite":
        copies.quicken(service.organisations.wrapped, tmp_path / "crm" / "orgs", clock)
    yield service
    places = [row.place for row in service.organisations.list()] if storage_kind == "postgresql" else []
    service.close()
    for place in places:
        storage.organisations.remove(place)


@pytest.fixture
def caller_of(service: CrmService):
    """Make a caller: the user of that number in an organisation, which is named by its slug, with the scopes given."""

    def make(slug: str, scope: str = FULL_SCOPE, user: int = 0) -> Caller:
        row = service.organisations.find(slug)
        organisation = service.organisations.open(row.id)
        user_id = organisation.metadata.all("user")[user].id
        client = service.accounts.ensure_client("tests", row.id, user_id)
        issued = service.accounts.issue(client, scope)
        return Caller(service, issued.access_token, row.id)

    return make


@pytest.fixture
def make_organisation(service: CrmService):
    def make(slug: str, *, sample: bool = False, **changes) -> None:
        spec = OrganisationSpec(**({f: getattr(DEMO, f) for f in DEMO.__slots__} | changes))
        service.organisations.create(slug, spec, sample=sample)

    return make


@pytest.fixture
def crm(make_organisation, caller_of) -> Caller:
    """The owner of an empty organisation."""
    make_organisation("acme")
    return caller_of("acme")


@pytest.fixture
def demo(make_organisation, caller_of) -> Caller:
    """The owner of an organisation with the sample records."""
    make_organisation("demo", sample=True)
    return caller_of("demo")


@pytest.fixture
def stranger(make_organisation, caller_of) -> Caller:
    """The owner of another organisation on the same server."""
    make_organisation("other", name="Other")
    return caller_of("other")


@pytest.fixture
def nobody(service: CrmService) -> Caller:
    """A caller without credentials."""
    return Caller(service, None, 0)
