"""The ids that records have in other programs, in the place of the CRM's own [Z records-api-ext-id-overview].

The header `X-EXTERNAL` names fields whose values are such ids. Before an operation begins, the values in its path, its
query and its body become ids of records. So no operation knows of them. In its answer, each record tells its value.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.metadata.shown import shape
from moorage.crm.query.texts import folded
from moorage.crm.query.tree import AnyOf, Equal
from moorage.crm.records.access import visible_with
from moorage.crm.records.personal_ids import owners_of, seen_by
from moorage.crm.records.related import related_list
from moorage.crm.records.values import UNKNOWN_RECORD
from moorage.crm.storage.contract.records import Ids, Order, Window
from moorage.crm.wire.call import Call, no_content, settled, with_document
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

HEADER = b"x-external"
_AT_ONCE = 100  # Values that one question asks for.
_MOST_IDS = 500  # No operation takes more: it refuses a longer list as it is.
_MODULE = 3  # The place of the module among the segments of a pattern.


class External(msgspec.Struct, frozen=True):
    """An entry of the header: a field of the module `target`, whose values are ids of that module's records.

    `steps` are the API names of the fields by which a record of `module` in a body leads to such an id. Without steps
    the id is that of the record itself.
    """

    text: str
    module: Module
    steps: tuple[str, ...]
    target: Module
    field: Field

    @property
    def name(self) -> str:
        return self.field.api_name

    def fault(self, **details: Any) -> Fault:
        return _invalid(self.text, **details)


def handled(route: Route, call: Call) -> Response | Awaitable[Response]:
    """What the operation of a call answers."""
    header = call.request.header(HEADER)
    if call.organisation.catalog.has_personal:
        call.seen = seen_by(call.caller.user)
    return route.handler(call) if header is None else _handled(route, call, header)


async def _handled(route: Route, call: Call, header: str) -> Response:
    ids = _Ids(route, call, _externals(call.organisation.catalog, header))
    if not await ids.put_in_path() and call.request.method == "GET":
        return no_content()
    await ids.put_in_query()
    call.external_ids = ids
    return ids.told(await settled(route.handler(call)))


def _externals(catalog: Catalog, header: str) -> list[External]:
    """The entries of the header. Raises the Fault of one that names no external field."""
    return [_external(catalog, text.strip()) for text in header.split(",") if text.strip()]


def _external(catalog: Catalog, text: str) -> External:
    start, *steps = text.split(".")
    name = steps.pop() if steps else ""
    module = target = catalog.modules.get(start)
    names = []
    for step in steps:
        lookup, _, chosen = step.partition("->")
        field = target.fields.get(lookup) if target is not None else None
        target = _behind(catalog, field, chosen) if field is not None else None
        names.append(lookup)
    field = target.fields.get(name) if target is not None else None
    if module is None or target is None or field is None or field.external is None:
        raise _invalid(text)
    return External(text, module, tuple(names), target, field)


def _behind(catalog: Catalog, field: Field, chosen: str) -> Module | None:
    """The module of a field's rows, or the one that a lookup points to; `chosen` names it where there are several."""
    if field.rows is not None:
        return catalog.rows_of(field)
    targets = catalog.targets_of(field) if field.storage == "lookup" else []
    return next((target for target in targets if target.api_name == (chosen or target.api_name)), None)


def _invalid(text: str, **details: Any) -> Fault:
    message = "The value of the external field is invalid."
    return Fault(400, "INVALID_DATA", message, {"External": text, **details})


class _Ids:
    """The ids that one call needs. What is no id of a record becomes a number that no record has."""

    def __init__(self, route: Route, call: Call, externals: Sequence[External]) -> None:
        self._call = call
        self._externals = externals
        self._segments = route.pattern.split("/")
        modules = call.organisation.catalog.modules
        named = self._segments[_MODULE] if len(self._segments) > _MODULE else ""
        self._module = modules.get(call.path["module"] if named == "{module}" else named)
        self._values: dict[str, tuple[External, str]] = {}  # By the digits of an id, the value that was sent.
        self._unknown_ids: dict[str, str] = {}  # The same of numbers that are ids of no records.
        self._unknown_rows: dict[int, External] = {}

    async def put_in_path(self) -> bool:
        """Whether the path names records that are there. Raises the Fault of a write if it does not."""
        for name, module in (("id", self._module), ("related_id", self._listed), ("note_id", self._listed)):
            external = self._own(module) if name in self._call.path else None
            if external is None:
                continue
            value = self._call.path[name]
            record = (await self._find(external, [value])).get(folded(value))
            if record is None:
                if self._call.request.method == "GET":
                    return False
                raise external.fault(resource_path_index=self._segments.index(f"{{{name}}}") - _MODULE)
            self._values[str(record)] = external, value
            self._call.path = {**self._call.path, name: str(record)}
        return True

    async def put_in_query(self) -> None:
        external = self._own(self._listed)
        if external is not None and "ids" in self._call.params:
            values = [value.strip() for value in self._call.params["ids"].split(",") if value.strip()]
            ids = await self._ids_of(external, values)
            self._call.params = {**self._call.params, "ids": ",".join(ids)}

    async def put_in_body(self, body: dict[str, Any]) -> None:
        """Put ids into a body that was read, in the place of the values or beside them."""
        external = self._own(self._listed)
        if external is not None and isinstance(body.get("ids"), list):
            body["ids"] = await self._ids_of(external, body["ids"])
        rows = body.get("data") if isinstance(body.get("data"), list) else []
        assert isinstance(rows, list)
        if external is not None and self._call.request.method == "PUT":
            await self._put_own_ids(external, rows)
        for behind in self._externals:
            if behind.steps and behind.module is self._listed:
                await self._put_behind(behind, rows)

    async def _put_own_ids(self, external: External, rows: list[Any]) -> None:
        """A new record is sent with its value, too: so only updates look for the record that has it."""
        sent = {
            index: row[external.name]
            for index, row in enumerate(rows)
            if isinstance(row, dict) and row.get("id") is None and row.get(external.name) is not None
        }
        found = await self._find(external, sent.values())
        for index, value in sent.items():
            record = found.get(folded(value)) if isinstance(value, str) else None
            rows[index]["id"] = UNKNOWN_RECORD if record is None else str(record)
            if record is None:
                self._unknown_rows[index] = external
            else:
                self._values[str(record)] = external, value

    async def _put_behind(self, external: External, rows: list[Any]) -> None:
        lookups = list(_lookups(rows, external.steps, external.name))
        found = await self._find(external, [lookup[external.name] for lookup in lookups])
        for lookup in lookups:
            value = lookup[external.name]
            record = found.get(folded(value)) if isinstance(value, str) else None
            lookup["id"] = UNKNOWN_RECORD if record is None else str(record)

    async def _ids_of(self, external: External, sent: Sequence[Any]) -> list[str]:
        values = [str(value) for value in sent]
        if len(values) > _MOST_IDS:
            return values
        found = await self._find(external, values)
        ids = []
        for number, value in enumerate(values, 1):
            record = found.get(folded(value))
            if record is None:
                self._unknown_ids[str(number)] = value
            else:
                self._values[str(record)] = external, value
            ids.append(str(number if record is None else record))
        return ids

    async def _find(self, external: External, values: Iterable[Any]) -> dict[str, int]:
        """By folded value, the ids of the records that have them."""
        texts = list({folded(value): value for value in values if _can_be_stored(value)}.values())
        found: dict[str, int] = {}
        for start in range(0, len(texts), _AT_ONCE):
            found |= await self._found(external, texts[start : start + _AT_ONCE])
            await asyncio.sleep(0)  # A body may have many, and others wait.
        return found

    async def _found(self, external: External, values: Sequence[str]) -> dict[str, int]:
        module, field = external.target, external.field
        if field.storage == "personal":
            return await self._own_found(module, field, values)
        conditions = AnyOf(tuple(Equal(field, value) for value in values))
        page = await settled(
            self._call.store.page(
                module,
                shape(module, [field.api_name]),
                [conditions, *visible_with(self._call, module)],
                Order(module.fields["id"], descending=False),
                Window(len(values)),
            )
        )
        records = msgspec.json.decode(page.data)
        return {folded(record[field.api_name]): int(record["id"]) for record in records}

    async def _own_found(self, module: Module, field: Field, values: Sequence[str]) -> dict[str, int]:
        """Records in the recycle bin keep their values: so only those that are there have them."""
        owners = await owners_of(self._call.store, field, self._call.caller.user, values)
        filters = [Ids(tuple(owners)), *visible_with(self._call, module)]
        order = Order(module.fields["id"], descending=False)
        found = self._call.store.page(module, shape(module, []), filters, order, Window(len(owners) or 1))
        records = msgspec.json.decode((await settled(found)).data)
        return {owners[int(record["id"])]: int(record["id"]) for record in records}

    @property
    def _listed(self) -> Module | None:
        """The module of the records of a related list in the path; else that of the path itself."""
        if self._module is None:
            return None
        if self._segments[-1] in {"Notes", "{note_id}"} and len(self._segments) > _MODULE + 1:
            return self._call.organisation.catalog.modules.get("Notes")
        if "related_list" not in self._call.path:
            return self._module
        related = related_list(self._call.organisation, self._module, self._call.path["related_list"])
        return None if related is None else related.module

    def _own(self, module: Module | None) -> External | None:
        """The entry of the header that says how the module's own records are named."""
        return next((each for each in self._externals if not each.steps and each.target is module), None)

    def told(self, response: Response) -> Response:
        """The answer of a write, in which each record tells its value beside its id, or instead of it."""
        if self._call.request.method == "GET" or not isinstance(response.body, bytes):
            return response
        if not (self._values or self._unknown_ids or self._unknown_rows) or not response.body.startswith(
            b'{"data":['
        ):
            return response
        document = msgspec.json.decode(response.body)
        for index, outcome in enumerate(document["data"]):
            if (external := self._unknown_rows.get(index)) is not None:
                place = {"api_name": external.name, "json_path": f"$.data[{index}].{external.name}"}
                document["data"][index] = external.fault(**place).document()
            elif isinstance(outcome, Mapping) and isinstance(outcome.get("details"), dict):
                self._tell(outcome["details"])
        return with_document(response, document)

    def _tell(self, details: dict[str, Any]) -> None:
        identity = str(details.get("id"))
        if identity in self._unknown_ids:
            details["id"] = self._unknown_ids[identity]
        elif identity in self._values:
            external, value = self._values[identity]
            details[external.name] = value


def _lookups(rows: Iterable[Any], steps: Sequence[str], name: str) -> Iterator[dict[str, Any]]:
    """The objects at the end of the steps that have a value of this name and no id."""
    for row in rows:
        if not isinstance(row, dict):
            continue
        if not steps:
            if row.get("id") is None and row.get(name) is not None:
                yield row
            continue
        inner = row.get(steps[0])
        yield from _lookups(inner if isinstance(inner, list) else [inner], steps[1:], name)


def _can_be_stored(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and "\0" not in value
