"""The calls that a composite request consists of, read and checked before any of them is made."""

import re
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

import msgspec
from msgspec.structs import replace

from moorage.crm.faults import Fault, unparsable
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.wire.call import encode
from moorage.crm.wire.json_paths import NothingThere, Reference, as_text, references, resolved
from moorage.http.message import Request

MOST_PARTS = 5
MOST_WRITTEN = 1  # Records of one part that writes.
MOST_LISTED = 25  # Records of one part that lists.
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
RESTRICTED = ("authorization", "x-crm-org")
PATH = "__composite_requests"

_URI = "/crm(/.*)?/v[0-9]+([.][0-9]+)?/.*"
_VERSION = re.compile(r"/v(\d+(?:\.\d+)?)/")
_RECORDS = re.compile(r"/crm/v[\d.]+/[A-Z]\w*(?P<rest>/.*)?")
_ID = "[a-zA-Z0-9][a-zA-Z0-9_]*"


class Part(msgspec.Struct, frozen=True):
    """One call. Its `uri`, `params` and `body` may hold references to the answers of other parts."""

    index: int
    id: str | None
    method: str
    uri: str
    params: Mapping[str, Any]
    body: Any
    headers: Mapping[str, str]
    references: tuple[Reference, ...] = ()

    @property
    def place(self) -> str:
        return f"$.{PATH}[{self.index}]"

    def request(self, answers: Mapping[str, Any]) -> Request:
        """The request, with its references replaced. Raises the Fault of one that leads nowhere."""
        try:
            uri = resolved(self.uri, f"{self.place}.uri", answers.__getitem__)
            params = resolved(self.params, f"{self.place}.params", answers.__getitem__)
            body = resolved(self.body, f"{self.place}.body", answers.__getitem__)
        except NothingThere as nothing:
            raise invalid_reference(nothing.reference) from None
        except RecursionError:
            raise unparsable() from None
        path, _, query = str(uri).partition("?")
        query = "&".join(filter(None, [query, urlencode({name: as_text(v) for name, v in params.items()})]))
        return Request(
            method=self.method,
            path=quote(path, safe="/%:@!$&'()*+,;=~").encode(),
            query=query.encode(),
            headers=[
                (name.encode(), value.encode("latin-1", "replace")) for name, value in self.headers.items()
            ],
            body=b"" if body is None else encode(body),
        )


Checked: TypeAlias = Part | Fault


def parts_of(body: JsonObject, version: str) -> list[Checked]:
    """The parts, and the Faults of those that can't be made. `version` is that of the composite request."""
    specs = body.items(PATH, MOST_PARTS)
    if not specs:
        raise body.missing(PATH)
    parts = [_checked(index, spec, version) for index, spec in enumerate(specs)]
    _refuse_unknown_references(parts, {spec.raw("sub_request_id") for spec in specs if _names_itself(spec)})
    _refuse_repeated_ids(parts)
    _refuse_loops(parts)
    return parts


def _names_itself(spec: JsonObject) -> bool:
    return isinstance(spec.raw("sub_request_id"), str)


def needed_by(part: Part) -> set[str]:
    """The ids of the parts whose answers a part refers to."""
    return {each.request for each in part.references}


def in_order(parts: Sequence[Checked]) -> list[Part]:
    """Each part behind those that it refers to, else as they were sent."""
    waiting = [part for part in parts if isinstance(part, Part)]
    ids, ordered = {part.id for part in waiting if part.id}, list[Part]()
    while waiting:
        done = {part.id for part in ordered}
        part = next(part for part in waiting if needed_by(part) & ids <= done)
        waiting.remove(part)
        ordered.append(part)
    return ordered


def invalid_reference(reference: Reference) -> Fault:
    name = reference.place.split("]", 1)[1].strip(".").split(".")[0].split("[")[0]
    details = {"api_name": name, "json_path": reference.place, "reference": reference.text}
    return Fault(400, "INVALID_REFERENCE", "the reference given seems to be invalid", details)


def _checked(index: int, spec: JsonObject, version: str) -> Checked:
    try:
        part = _with_references(_part(index, spec))
        _refuse_newer(part, version)
        _refuse_unsupported(part)
        _refuse_many(part, spec)
    except Fault as fault:
        return fault
    except RecursionError:
        return unparsable()
    if part.method == "GET" and (records := _RECORDS.match(part.uri)) and "/actions/" not in records[0]:
        return replace(part, params={"per_page": MOST_LISTED, **part.params})
    return part


def _with_references(part: Part) -> Part:
    """Raises RecursionError for a body that is nested too deep."""
    places = {"uri": part.uri, "params": part.params, "body": part.body}
    found = [each for name, value in places.items() for each in references(value, f"{part.place}.{name}")]
    return replace(part, references=tuple(found))


def _part(index: int, spec: JsonObject) -> Part:
    spec.require("method", "uri")
    method, uri, part_id = spec.raw("method"), spec.raw("uri"), spec.raw("sub_request_id")
    if not isinstance(method, str) or method.upper() not in METHODS:
        raise spec.invalid("method", supported_values=list(METHODS))
    if not isinstance(uri, str) or not re.fullmatch(_URI, uri):
        raise spec.invalid("uri", expected_data_type="text", regex=_URI)
    if part_id is not None and not (isinstance(part_id, str) and re.fullmatch(_ID, part_id)):
        raise spec.invalid("sub_request_id", expected_data_type="text", regex=_ID)
    body = spec.raw("body")
    if body is not None and not isinstance(body, dict | list):
        raise spec.invalid("body", expected_data_type="jsonobject")
    return Part(index, part_id, method.upper(), uri, _object(spec, "params"), body or None, _headers(spec))


def _object(spec: JsonObject, name: str) -> dict[str, Any]:
    spec.inner(name)  # Raises the Fault of another type.
    return spec.raw(name) or {}


def _headers(spec: JsonObject) -> dict[str, str]:
    headers = {name.lower(): as_text(value) for name, value in _object(spec, "headers").items()}
    restricted = [name for name in headers if name in RESTRICTED]
    if restricted:
        raise spec.invalid("headers", restricted_headers=restricted)
    return {name: value for name, value in headers.items() if name.isascii() and name.isprintable()}


def _refuse_newer(part: Part, version: str) -> None:
    matched = _VERSION.search(part.uri)
    assert matched is not None
    own, whole = _number(matched[1]), _number(version)
    if own > whole:
        details = {"sub_request_version": own, "composite_request_version": whole}
        message = "the version of a sub request can't be higher than that of the composite request"
        raise Fault(400, "NOT_ALLOWED", message, details)


def _number(version: str) -> float:
    number = float(version[:12])
    return int(number) if number.is_integer() else number


def _refuse_unsupported(part: Part) -> None:
    """Bulk jobs, deletions of several records, and composite requests are no parts [Z composite-api]."""
    path, _, query = part.uri.partition("?")
    by_ids = part.method == "DELETE" and _RECORDS.match(path) and ("ids" in part.params or "ids=" in query)
    if by_ids or not re.match(r"/crm/v[\d.]+/", path) or path.rstrip("/").endswith(f"/{PATH}"):
        details = {"api_name": "uri", "json_path": f"{part.place}.uri"}
        raise Fault(400, "NOT_SUPPORTED", "the api is not supported in a composite request", details)


def _refuse_many(part: Part, spec: JsonObject) -> None:
    records = part.body.get("data") if isinstance(part.body, dict) else None
    if _RECORDS.match(part.uri) and isinstance(records, list) and len(records) > MOST_WRITTEN:
        details = {"limit": MOST_WRITTEN, "api_name": "data", "json_path": f"{spec.path}.body.data"}
        raise Fault(400, "LIMIT_EXCEEDED", "limit exceeded", details)
    size = str(part.params.get("per_page", ""))
    if part.method == "GET" and size.isascii() and size.isdigit() and int(size[:9]) > MOST_LISTED:
        details = {"limit": MOST_LISTED, "api_name": "per_page", "json_path": f"{spec.path}.params.per_page"}
        raise Fault(400, "LIMIT_EXCEEDED", "limit exceeded", details)


def _refuse_repeated_ids(parts: list[Checked]) -> None:
    indexes: dict[str, list[int]] = {}
    for part in parts:
        if isinstance(part, Part) and part.id is not None:
            indexes.setdefault(part.id, []).append(part.index)
    for repeated in indexes.values():
        for index in repeated if len(repeated) > 1 else ():
            details = {
                "api_name": "sub_request_id",
                "json_path": f"$.{PATH}[{index}].sub_request_id",
                "sub_request_indexes": repeated,
            }
            parts[index] = Fault(400, "DUPLICATE_DATA", "duplicate data", details)


def _refuse_loops(parts: list[Checked]) -> None:
    while True:
        known = {part.id: part for part in parts if isinstance(part, Part) and part.id is not None}
        graph = {part_id: needed_by(part) & known.keys() for part_id, part in known.items()}
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            loop = set(error.args[1])
            data = [
                {"sub_request_id": each, "referred_sub_request_ids": sorted(graph[each] & loop)}
                for each in sorted(loop)
            ]
            for each in loop:
                message = "the references of the sub requests are a loop"
                parts[known[each].index] = Fault(400, "LOOPING_FOUND", message, {"dependent_data": data})
        else:
            return


def _refuse_unknown_references(parts: list[Checked], sent_ids: set[Any]) -> None:
    """A part that refers to a refused one is no fault of its own: it is stopped later."""
    for index, part in enumerate(parts):
        if isinstance(part, Part):
            unknown = next((each for each in part.references if each.request not in sent_ids), None)
            if unknown is not None:
                parts[index] = invalid_reference(unknown)
