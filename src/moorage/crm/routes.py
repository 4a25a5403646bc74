"""The part of the control API that manages the organisations of the embedded CRM."""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.crm.management import MOST_SEEDED, Management
from moorage.crm.metadata.ids import zgid_of
from moorage.crm.organisations.new import NewOrganisation
from moorage.crm.organisations.service import OrganisationRow
from moorage.crm.organisations.snapshots import Snapshot
from moorage.http.control import Authenticate, json_object, json_response, route
from moorage.http.errors import BodyInvalid
from moorage.http.timestamps import wire_time_of

READ, WRITE = "organisations:read", "organisations:write"
_ORGANISATION = "/organisations/{slug}"
_MEMBERS = ("slug", "name", "time_zone", "data_centre", "sample", "unique")
LONGEST_NAME = 100
MAX_SEED = 4 * 1024 * 1024
_EXAMPLE = '{"slug": "acme", "sample": false}'
_SNAPSHOT_EXAMPLE = '{"name": "before"}'
_RESTORE_EXAMPLE = '{"snapshot": "before"}'
_SEED_EXAMPLE = '{"records": {"Leads": [{"Last_Name": "Hopper"}]}}'
_MODULE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


def routes(management: Management, authenticate: Authenticate) -> list[Route]:
    return [
        *_of_organisations(management, authenticate),
        *_of_contents(management, authenticate),
        *_of_snapshots(management, authenticate),
    ]


def _document(row: OrganisationRow) -> dict[str, Any]:
    return {
        # Ids are texts everywhere, because they have more digits than a number of JavaScript.
        "id": str(row.id),
        "zgid": zgid_of(row.id),
        "slug": row.slug,
        "name": row.name,
        "data_centre": row.data_centre,
        "created_at": row.created_at.isoformat(timespec="seconds"),
    }


def _snapshot(snapshot: Snapshot) -> dict[str, Any]:
    saved_at = snapshot.saved_at
    return {"name": snapshot.name, "saved_at": None if saved_at is None else wire_time_of(saved_at)}


def _of_organisations(management: Management, authenticate: Authenticate) -> list[Route]:
    async def search(request: Request) -> Response:
        await authenticate(request, READ)
        return json_response({"organisations": [_document(row) for row in await management.every()]})

    async def get(request: Request) -> Response:
        await authenticate(request, READ)
        return json_response({"organisation": _document(await management.find(_slug(request)))})

    async def create(request: Request) -> Response:
        await authenticate(request, WRITE)
        row = await management.create(_new_organisation(await json_object(request, _EXAMPLE, known=_MEMBERS)))
        return json_response({"organisation": _document(row)})

    async def delete(request: Request) -> Response:
        await authenticate(request, WRITE)
        await management.delete(_slug(request))
        return json_response({"slug": _slug(request), "deleted": True})

    return [
        route("/organisations", GET=search, POST=create),
        route(_ORGANISATION, GET=get, DELETE=delete),
    ]


def _of_contents(management: Management, authenticate: Authenticate) -> list[Route]:
    async def reset(request: Request) -> Response:
        await authenticate(request, WRITE)
        await json_object(request, "{}", known=(), optional=True)
        await management.reset(_slug(request))
        return json_response({"organisation": _document(await management.find(_slug(request)))})

    async def seed(request: Request) -> Response:
        await authenticate(request, WRITE)
        body = await json_object(request, _SEED_EXAMPLE, known=("records",), limit=MAX_SEED)
        return json_response({"ids": await management.seed(_slug(request), _records(body.get("records")))})

    return [route(f"{_ORGANISATION}/reset", POST=reset), route(f"{_ORGANISATION}/seed", POST=seed)]


def _of_snapshots(management: Management, authenticate: Authenticate) -> list[Route]:
    async def snapshots(request: Request) -> Response:
        await authenticate(request, READ)
        listed = [_snapshot(snapshot) for snapshot in await management.snapshots(_slug(request))]
        return json_response({"snapshots": listed})

    async def snapshot(request: Request) -> Response:
        await authenticate(request, WRITE)
        body = await json_object(request, _SNAPSHOT_EXAMPLE, known=("name", "replace"))
        name, replace = _text(body, "name", _SNAPSHOT_EXAMPLE), body.get("replace", True)
        if not isinstance(replace, bool):
            raise BodyInvalid("replace has to be true or false.", help="Leave it out for true.")
        await management.snapshot(_slug(request), name, replace=replace)
        return json_response({"snapshot": {"name": name}})

    async def forget(request: Request) -> Response:
        await authenticate(request, WRITE)
        name = request.path_params["name"]
        await management.forget_snapshot(_slug(request), name)
        return json_response({"name": name, "deleted": True})

    async def restore(request: Request) -> Response:
        await authenticate(request, WRITE)
        body = await json_object(request, _RESTORE_EXAMPLE, known=("snapshot",))
        await management.restore(_slug(request), _text(body, "snapshot", _RESTORE_EXAMPLE))
        return json_response({"organisation": _document(await management.find(_slug(request)))})

    return [
        route(f"{_ORGANISATION}/snapshots", GET=snapshots, POST=snapshot),
        route(f"{_ORGANISATION}/snapshots/{{name}}", DELETE=forget),
        route(f"{_ORGANISATION}/restore", POST=restore),
    ]


def _slug(request: Request) -> str:
    return str(request.path_params["slug"])


def _text(body: dict[str, Any], key: str, example: str) -> str:
    text = body.get(key)
    if not isinstance(text, str):
        raise BodyInvalid(f"{key} has to be a text.", help=f"Send {example}.")
    return text


def _new_organisation(body: dict[str, Any]) -> NewOrganisation:
    """Raises BodyInvalid."""
    slug = _text(body, "slug", _EXAMPLE)
    texts = {key: _text(body, key, _EXAMPLE) for key in ("name", "time_zone", "data_centre") if key in body}
    if not 0 < len(texts.setdefault("name", slug)) <= LONGEST_NAME:
        raise BodyInvalid(f"name has to have 1 to {LONGEST_NAME} characters.", help=f"Send {_EXAMPLE}.")
    sample, unique = body.get("sample", True), body.get("unique", [])
    if not isinstance(sample, bool):
        raise BodyInvalid("sample has to be true or false.", help="Leave it out for true.")
    if not isinstance(unique, list) or not all(isinstance(field, str) for field in unique):
        raise BodyInvalid("unique has to be a list of fields.", help='Send a list such as ["Leads.Email"].')
    return NewOrganisation(slug, **texts, sample=sample, unique=tuple(unique))


def _records(seed: Any) -> dict[str, list[Any]]:
    """The records of a seed by module. Raises BodyInvalid."""
    is_by_module = isinstance(seed, dict) and all(
        _MODULE.fullmatch(module) and isinstance(records, list) for module, records in seed.items()
    )
    if not is_by_module:
        raise BodyInvalid("records has to be lists of records, by module.", help=f"Send {_SEED_EXAMPLE}.")
    if sum(map(len, seed.values())) > MOST_SEEDED:
        raise BodyInvalid(f"A seed has at most {MOST_SEEDED} records.", help="Send several seeds.")
    return dict(seed)
