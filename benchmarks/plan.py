"""What the CRM is asked: made before the server starts, through the same door as the server's."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks import data, leads
from benchmarks.bare import Statement, overheard
from benchmarks.figures import DEPTH, LISTS
from moorage.clock import SystemClock
from moorage.crm.service import CrmService
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.sqlite.storage import SqliteStorage
from moorage.http.message import Request, Response

_PAGE = 200
_DEPTH_RECORDS = 50_000
_GETS, _SEARCHES = 500, 50  # Different records and texts that are asked for in turn.


@dataclass(frozen=True, slots=True)
class Read:
    """Paths with queries that are asked for in turn, and the statements that each answer runs."""

    targets: list[str]
    answers: list[list[Statement]]


@dataclass(frozen=True, slots=True)
class Plan:
    organisation: Organisation
    token: str = field(repr=False)
    reads: Mapping[str, Read]


async def plan(folder: Path, records: int) -> Plan:
    """The reads by their names in `figures.READS`, for the benchmark's organisation in a CRM folder."""
    with overheard() as statements:
        clock = SystemClock()
        service = CrmService(SqliteStorage(folder, clock), folder, clock, "http://127.0.0.1")
        made = await plan_of(service, records, statements)
        await service.close()
    return made


async def plan_of(service: CrmService, records: int, statements: list[Statement]) -> Plan:
    """The same for a CRM whose storage adds to `statements` what it asks its database."""
    organisation, token = await access(service, data.SLUG)
    door = _Door(service, token)
    reads = {}
    for name, targets in (await _targets(door, records)).items():
        reads[name] = Read(targets, [await _statements(door, one, statements) for one in targets])
    return Plan(organisation, token, reads)


async def access(service: CrmService, slug: str) -> tuple[Organisation, str]:
    """An organisation, and a token of its first user."""
    row = await service.organisations.find(slug)
    organisation = await service.organisations.open(row.id)
    assert organisation is not None
    user = organisation.metadata.all("user")[0].id
    return organisation, (await service.accounts.credentials(row.id, user))["access_token"]


async def _statements(door: "_Door", target: str, heard: list[Statement]) -> list[Statement]:
    # Asked for twice, because what is loaded for a first answer isn't part of the others.
    await door.get(target)
    heard.clear()
    await door.get(target)
    return heard.copy()


class _Door:
    """The CRM in this process, called with one token."""

    def __init__(self, service: CrmService, token: str) -> None:
        self._service = service
        self._headers = [(b"authorization", b"Zoho-oauthtoken " + token.encode())]

    async def get(self, target: str) -> Any:
        path, _, query = target.partition("?")
        answer = self._service.answer(Request("GET", path.encode(), query.encode(), self._headers))
        response = answer if isinstance(answer, Response) else await answer
        assert response.status == 200, (target, response)
        return json.loads(response.text)


async def _targets(door: _Door, records: int) -> dict[str, list[str]]:
    chance = random.Random(11)
    targets = {}
    passed: list[str] = []
    depth = min(_DEPTH_RECORDS, records // 2)
    for name, fields in zip(LISTS, (leads.FIVE_FIELDS, leads.TWENTY_FIELDS), strict=True):
        first = _target("Leads", fields=",".join(fields), per_page=_PAGE)
        token, passed = await _walk(door, first, depth)
        targets[name] = [first]
        targets[f"{name}.{DEPTH}"] = [f"{first}&{urlencode({'page_token': token})}"]
    targets["get"] = [_target(f"Leads/{one}") for one in chance.sample(passed, min(_GETS, len(passed)))]
    known = [next(leads.leads(chance.randrange(records), 1)) for _ in range(_SEARCHES)]
    targets["search_email"] = [_search(email=lead["Email"]) for lead in known]
    targets["search_starts_with"] = [
        _search(criteria=f"(Last_Name:starts_with:{lead['Last_Name'][:6]})") for lead in known
    ]
    targets["search_word"] = [_search(word=lead["Description"].split()[2]) for lead in known]
    return targets


async def _walk(door: _Door, first: str, depth: int) -> tuple[str, list[str]]:
    """The token of the page that begins after `depth` records or a few more, and the ids of those."""
    page = await door.get(first)
    passed = [record["id"] for record in page["data"]]
    while len(passed) < depth:
        page = await door.get(f"{first}&{urlencode({'page_token': page['info']['next_page_token']})}")
        passed += [record["id"] for record in page["data"]]
    return page["info"]["next_page_token"], passed


def _search(**params: str) -> str:
    return _target("Leads/search", **params, fields=",".join(leads.FIVE_FIELDS))


def _target(path: str, **params: Any) -> str:
    return f"/crm/v8/{path}" + (f"?{urlencode(params)}" if params else "")
