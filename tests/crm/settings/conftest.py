"""Handlers asked directly, over the metadata of a new organisation."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import parse_qsl, unquote
from zoneinfo import ZoneInfo

import msgspec
import pytest

from moorage.crm.api import routes
from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Metadata
from moorage.crm.metadata.standard import DEMO, blueprint
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.wire.call import JSON, Call, fault_answer, settled
from moorage.crm.wire.principal import Principal
from moorage.crm.wire.routing import Router
from moorage.crm.wire.scopes import ScopeSet
from moorage.http.message import Request, Response

CREATED = datetime(2026, 2, 6, 9, 10, 56, tzinfo=UTC)


class WithoutFiles:
    """The store of an organisation that is asked for nothing else."""

    def __init__(self) -> None:
        self.files = self

    async def owned_by(self, _owners: Any) -> dict[int, Any]:
        return {}


@pytest.fixture(scope="session")
def organisation() -> Organisation:
    documents = blueprint(DEMO, 7243485, CREATED, itertools.count(1).__next__)
    metadata = Metadata(documents)
    zone = ZoneInfo(metadata.org["time_zone"])
    return Organisation(documents[0].id, metadata, Catalog(metadata), zone, store=cast("Any", WithoutFiles()))


Ask = Callable[..., Response]


@pytest.fixture
def ask(organisation: Organisation) -> Ask:
    """Ask for a path below `/crm/v8/`, query included, as the first user; faults come as the answers they are."""
    router = Router(routes())

    def ask(target: str, since: str | None = None, user: int | None = None) -> Response:
        path, _, query = target.partition("?")
        request = Request("GET", f"/crm/v8/{path}".encode(), query.encode())
        if since is not None:
            request.headers.append((b"if-modified-since", since.encode()))
        first = organisation.metadata.all("user")[0].id
        try:
            route, values = router.match("GET", ["crm", "v8", *map(unquote, path.split("/"))])
            call = Call(
                request=request,
                organisation=organisation,
                caller=Principal(organisation.id, user or first, ScopeSet(()), 0.0, "us"),
                path=values,
                params=dict(parse_qsl(query, keep_blank_values=True)),
                now=CREATED.timestamp(),
                tokens=cast("Any", None),
            )
            answer = route.handler(call)
            if isinstance(answer, Awaitable):
                answer = asyncio.run(settled(answer))
        except Fault as fault:
            return fault_answer(fault)
        assert isinstance(answer, Response)
        return answer

    return ask


@pytest.fixture
def read(ask: Ask) -> Callable[..., Any]:
    """The document of an answer that has to succeed."""

    def read(target: str, **more: Any) -> Any:
        answer = ask(target, **more)
        assert answer.status == 200, answer.body
        assert answer.headers == JSON
        return msgspec.json.decode(answer.body)

    return read


@pytest.fixture
def refused(ask: Ask) -> Callable[..., Any]:
    """The code and details of an answer that has to be a 400."""

    def refused(target: str, **more: Any) -> tuple[str, dict[str, Any]]:
        answer = ask(target, **more)
        assert answer.status == 400
        document = msgspec.json.decode(answer.body)
        assert set(document) == {"code", "details", "message", "status"}
        return document["code"], document["details"]

    return refused
