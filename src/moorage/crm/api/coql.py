"""Queries: `POST /crm/v8/coql` [Z coql]. A query names modules, and a token has to be able to read each of them."""

import asyncio
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, ValidationError

from moorage.crm.api.settings.fields import shown as shown_fields
from moorage.crm.faults import Fault, unparsable
from moorage.crm.metadata.catalog import Module
from moorage.crm.query.coql.check import Subquery, fields_of, selection, subqueries
from moorage.crm.query.coql.columns import Asker, Limits
from moorage.crm.query.coql.faults import invalid_query
from moorage.crm.query.coql.kept import found, keep
from moorage.crm.query.coql.parser import parse
from moorage.crm.query.coql.syntax import Query
from moorage.crm.query.selection import Selection, Shown
from moorage.crm.records.access import visible
from moorage.crm.records.reading import context_of
from moorage.crm.storage.contract.records import Page
from moorage.crm.wire.call import Call, data_answer, encode, no_content
from moorage.crm.wire.members import invalid
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_LONG = 8_000  # Characters. A longer query is read in a thread: that takes more than a millisecond.
_MAX_BODY = 1024 * 1024
_LONGEST_LIST = 1_000  # Bytes. A longer list has more than the names that can be in it.
_LIMITS = Limits()
_OLDER_LIMITS = Limits(rows=200, reach=10_000, values=50)


class _Body(Struct):
    """The members that are read. Others are skipped, and no objects are made of them."""

    select_query: Raw | UnsetType = UNSET
    include_meta: Raw | UnsetType = UNSET


_bodies = msgspec.json.Decoder(_Body)


async def query(call: Call) -> Response:
    text, meta = _members(await call.request.whole())
    if meta:
        call.require("ZohoCRM.settings.fields.READ")
    asker = _asker(call)
    asked = found(text, asker)
    if asked is None:
        tree = parse(text) if len(text) <= _LONG else await asyncio.to_thread(parse, text)
        asked = await _selection(call, asker, tree)
        keep(text, tree, asker, asked)
    page = await _page(call, asked)
    if not page.count:
        return no_content()
    info: dict[str, Any] = {"count": page.count, "more_records": page.more}
    return _with_fields(call, page, info, asked.shown) if meta else data_answer(page.data, info)


def _members(text: bytes) -> tuple[str, bool]:
    """The query of a body, and whether the answer shows the fields, too."""
    try:
        body = _bodies.decode(text)
        statement, meta = (_value(raw) for raw in (body.select_query, body.include_meta))
    except ValidationError:
        raise Fault(400, "INVALID_DATA", "body", {"expected_data_type": "jsonobject"}) from None
    except (ValueError, RecursionError):
        raise unparsable() from None
    if statement is None:
        raise Fault(400, "MANDATORY_NOT_FOUND", "mandatory key not found", {"api_name": "select_query"})
    if not isinstance(statement, str):
        raise invalid("select_query", "$.select_query", expected_data_type="string")
    return statement, _wants_fields(meta)


def _value(raw: Raw | UnsetType) -> Any:
    if isinstance(raw, UnsetType):
        return None
    text = bytes(raw)
    return [text] if text[:1] in b"[{" and len(text) > _LONGEST_LIST else msgspec.json.decode(text)


def _wants_fields(meta: Any) -> bool:
    if meta is None:
        return False
    if not isinstance(meta, list):
        raise invalid("include_meta", "$.include_meta", expected_data_type="jsonarray")
    for place, name in enumerate(meta):
        if name != "fields":
            raise invalid("include_meta", f"$.include_meta[{place}]", supported_values=["fields"])
    return bool(meta)


def _asker(call: Call) -> Asker:
    def permit(module: Module) -> None:
        call.require("ZohoCRM.modules.{module}.READ", module.api_name)
        visible(call, module)

    limits = _OLDER_LIMITS if call.rules.older_query_limits else _LIMITS
    metadata = call.organisation.metadata
    return Asker(context_of(call), metadata, permit, limits, named=not call.rules.query_ids_only)


async def _selection(call: Call, asker: Asker, tree: Query) -> Selection:
    """What a query selects, for which the values of some of its subqueries are asked before."""
    answers = {id(inner.query): await _values(call, asker, inner) for inner in subqueries(tree)}
    return selection(tree, asker, answers)


async def _page(call: Call, asked: Selection) -> Page:
    page = call.store.select(asked, visible(call, asked.module))
    return page if isinstance(page, Page) else await page


async def _values(call: Call, asker: Asker, inner: Subquery) -> list[str]:
    """The values of a subquery as text, without those that are empty."""
    asked = await _selection(call, asker, inner.query)
    page = await _page(call, asked)
    key, records = asked.shown[0].key, msgspec.json.decode(page.data)
    if inner.operator not in {"in", "not in"} and len(records) > 1:
        message = "subquery return more than one values which is incompatible for the operator"
        details = {"sub_query_sequence": inner.number, "operator": inner.operator}
        raise invalid_query(message, **details)
    return [_text(record[key]) for record in records if record[key] is not None]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return str(value["id"])
    if isinstance(value, list):
        return ";".join(map(str, value))
    return value if isinstance(value, str) else encode(value).decode()


def _with_fields(call: Call, page: Page, info: dict[str, Any], shown: tuple[Shown, ...]) -> Response:
    metadata = call.organisation.metadata
    fields = {}
    for key, field in fields_of(shown):
        document = metadata.find("field", field.id)
        fields[key] = shown_fields(metadata, [document])[0] if document is not None else None
    head = data_answer(page.data, info)
    assert isinstance(head.body, bytes)
    return Response(200, head.body[:-1] + b',"fields":' + encode(fields) + b"}", head.headers)


ROUTES = (Route("POST", "/crm/v8/coql", query, ("ZohoCRM.coql.READ",), max_body=_MAX_BODY),)
