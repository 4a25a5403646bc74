"""Says of each call whether it reads, writes or destroys: from tables of operations, else from its method.

Wherever an app could read a call in several ways, the worst of them counts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from moorage.http.head import SAFE
from moorage.policies import bodies
from moorage.policies.model import ANY_MODULE, KINDS, NOTHING, Kind, Operation, Unsure, worst
from moorage.policies.overrides import in_headers, in_target
from moorage.policies.readings import readings
from moorage.policies.table import Found, Row, Table, in_latest_version, shipped

MOST_IN_ONE_CALL = 100  # The records that a call may change if nothing says how many.
MOST_PARTS = 100
_DEEPEST = 3  # Calls within calls within calls.
_WRITING = frozenset({"POST", "PUT", "PATCH"})
_SAFE = frozenset(method.decode() for method in SAFE)
# Words in a path by which a call that no table knows says that it takes something away.
_TELLING = (
    "archive",
    "cancel",
    "delete",
    "destroy",
    "erase",
    "merge",
    "purge",
    "remove",
    "revoke",
    "trash",
    "wipe",
)
# Lists of records that belong to another record have the names of these modules, if it is one of them that they list.
_STANDARD_MODULES = frozenset(
    [
        "attachments",
        "calls",
        "campaigns",
        "cases",
        "contacts",
        "deals",
        "emails",
        "events",
        "invoices",
        "leads",
        "notes",
        "price_books",
        "products",
        "purchase_orders",
        "quotes",
        "sales_orders",
        "solutions",
        "tasks",
        "vendors",
    ]
)
_WITH_ANY_MODULE = (ANY_MODULE,)
_OF_BODY: frozenset[Unsure] = frozenset({"kind", "modules", "records"})
_RECORDS: frozenset[Unsure] = frozenset({"records"})
_MODULES: frozenset[Unsure] = frozenset({"modules"})

Overrides = Mapping[str, Mapping[str, Kind]]


class Classifier:
    """`overrides` has for each app what its file says of operations, such as `{"POST /search": "read"}`."""

    def __init__(self, overrides: Overrides = {}) -> None:  # noqa: B006 (it is not changed)
        self._apps = {app: _App(app, of_app) for app, of_app in overrides.items()}

    def classify(
        self,
        app: str,
        method: str,
        path: bytes,
        query: bytes = b"",
        body: bytes | None = None,
        *,
        headers: tuple[bytes, ...] = (),
    ) -> Operation:
        """What a call does. `body` is None if nobody has looked at it, and `headers` has the names of its headers."""
        known = self._apps.get(app)
        if known is None:
            known = self._apps.setdefault(app, _App(app, {}))
        return known.classify(method, path, query, body, overridden=in_headers(headers))


class _App:
    """The operations of one app."""

    def __init__(self, name: str, overrides: Mapping[str, Kind]) -> None:
        rows = [_row_of(name, kind) for name, kind in overrides.items()]
        known = shipped(name)
        self._has_table = known is not None
        self._exact = [Table(rows), Table(known or ())]
        self._folded = [Table(rows, folded=True), Table(known or (), folded=True)]
        kinds: dict[str, list[Kind]] = {}
        for method, _, row in known or ():
            kinds.setdefault(method, []).append(row.kind)
        self._worst_of_method = {method: worst(of_method) for method, of_method in kinds.items()}

    def classify(
        self, method: str, path: bytes, query: bytes, body: bytes | None, *, overridden: bool, depth: int = 0
    ) -> Operation:
        ways = readings(path)
        if ways is None or overridden or in_target(path, query):
            return Operation(method, "destructive", None, _WITH_ANY_MODULE, MOST_IN_ONE_CALL)
        operations = [self._read(method, segments, query) for segments in ways]
        found, operation = max(operations, key=lambda pair: KINDS.index(pair[1].kind))
        if len(operations) > 1:
            operation = replace(operation, modules=tuple({m for _, each in operations for m in each.modules}))
        if body is None or not operation.unsure:
            return operation
        return self._with_body(operation, found, query, body, depth)

    def _read(self, method: str, segments: list[str], query: bytes) -> tuple[Found | None, Operation]:
        """The operation in one way of reading the path, as bad as its body may make it."""
        if self._has_table:
            segments = in_latest_version(segments)
        found, folded = (_first(tables, method, segments) for tables in (self._exact, self._folded))
        operation, as_folded = (self._operation(each, method, segments, query) for each in (found, folded))
        if KINDS.index(as_folded.kind) > KINDS.index(operation.kind):
            return folded, as_folded
        return found, operation

    def _operation(self, found: Found | None, method: str, segments: list[str], query: bytes) -> Operation:
        if found is None:
            return self._unknown(method, segments, query)
        row = found.row
        module, modules = _modules(found, segments, query)
        if row.kind == "read":
            records = 0
        else:
            records = row.most or (MOST_IN_ONE_CALL if method in _WRITING else max(1, _ids_in(query)))
        if row.body == "calls":
            return Operation(row.name, "destructive", None, _WITH_ANY_MODULE, records, _OF_BODY)
        if row.body is not None:
            return Operation(row.name, row.kind, module, _WITH_ANY_MODULE, records, _MODULES)
        unsure = _RECORDS if records and method in _WRITING else NOTHING
        return Operation(row.name, row.kind, module, modules, records, unsure)

    def _unknown(self, method: str, segments: list[str], query: bytes) -> Operation:
        modules = _WITH_ANY_MODULE if self._has_table else ()
        if method in _SAFE:
            kind: Kind = "write" if self._has_table else "read"
            return Operation(method, kind, None, modules, int(self._has_table))
        path = "/".join(segments).casefold()
        if method not in _WRITING:
            return Operation(method, "destructive", None, modules, max(1, _ids_in(query)))
        if any(word in path for word in _TELLING):
            return Operation(method, "destructive", None, modules, MOST_IN_ONE_CALL, _RECORDS)
        if method == "POST":
            # A form or an object may name another method. Until somebody looks, it does.
            return Operation(
                method, "destructive", None, modules, MOST_IN_ONE_CALL, frozenset({"kind", "records"})
            )
        return Operation(method, "write", None, modules, MOST_IN_ONE_CALL, _RECORDS)

    def _with_body(
        self, operation: Operation, found: Found | None, query: bytes, body: bytes, depth: int
    ) -> Operation:
        sure, row = replace(operation, unsure=NOTHING), None if found is None else found.row
        if row is not None and row.body == "calls":
            return self._of_calls(sure, body, depth)
        try:
            document = bodies.json_of(body) if body else {}
        except bodies.Unreadable:
            document = None
        if row is not None and row.body is not None:
            named = (bodies.modules_of_query if row.body == "query" else bodies.modules_of_job)(document)
            return sure if named is None else replace(sure, modules=tuple(sorted(named)))
        if "kind" in operation.unsure and not bodies.asks_for_another_method(body):
            sure = replace(sure, kind="write")
        if document is None:
            # A form with a file is about one record.
            return replace(sure, records=1) if body.startswith(b"--") else sure
        records = bodies.records_in(document)
        if row is not None and row.most is not None and not records:
            return sure
        return replace(sure, records=max(1, _ids_in(query), MOST_IN_ONE_CALL if records is None else records))

    def _of_calls(self, operation: Operation, body: bytes, depth: int) -> Operation:
        """The calls within a composite request, as one operation that does what all of them do."""
        try:
            parts = [self._part(call, depth) for call in _calls_in(body)]
        except (bodies.Unreadable, RecursionError):
            return operation
        modules = tuple(sorted({module for part in parts for module in part.modules}))
        return replace(
            operation,
            kind=worst(part.kind for part in parts),
            modules=modules,
            records=sum(part.records for part in parts),
        )

    def _part(self, call: Any, depth: int) -> Operation:
        """One call of a composite request. Raises Unreadable."""
        if depth >= _DEEPEST or not isinstance(call, dict):
            raise bodies.Unreadable
        method, uri = call.get("method"), call.get("uri")
        params, headers = call.get("params") or {}, call.get("headers") or {}
        if not isinstance(method, str) or not isinstance(uri, str):
            raise bodies.Unreadable
        if not isinstance(params, dict) or not isinstance(headers, dict):
            raise bodies.Unreadable
        method = method.strip().upper()
        path, _, query = uri.encode("utf-8", "replace").partition(b"?")
        query += b"&" + urlencode(params).encode()
        names = [name.encode("utf-8", "replace") for name in headers]
        body = call.get("body")
        operation = self.classify(
            method,
            path,
            query,
            b"" if body is None else bodies.bytes_of(body),
            overridden=in_headers(names),
            depth=depth + 1,
        )
        # A reference to another answer may become anything, also several segments of a path.
        if bodies.has_reference(uri) and method not in _SAFE:
            kind = worst((operation.kind, self._worst_of_method.get(method, "destructive")))
            return replace(operation, kind=kind, modules=_WITH_ANY_MODULE)
        return operation


def _row_of(name: str, kind: Kind) -> tuple[str, str, Row]:
    """The row of an operation that the app's file names, such as `POST /search`."""
    method, _, pattern = name.partition(" ")
    return method, pattern, Row(name, kind)


def _first(tables: list[Table], method: str, segments: list[str]) -> Found | None:
    """The row of the first table that has one."""
    for table in tables:
        found = table.find(method, segments)
        if found is not None:
            return found
    return None


def _modules(found: Found, segments: list[str], query: bytes) -> tuple[str | None, tuple[str, ...]]:
    """The module that the path names, and all modules that path and query name."""
    module = found.values.get("module")
    if module is None and len(segments) > 2 and segments[2][:1].isupper():
        module = segments[2]
    named = {*found.row.modules, *_values(query, "module")}
    related = found.values.get("related_list")
    if related is not None:
        named.add(related if related.casefold() in _STANDARD_MODULES else ANY_MODULE)
    return module, tuple(sorted(named | ({module} if module else set())))


def _ids_in(query: bytes) -> int:
    """How many records the query names by their ids."""
    return sum(value.count(",") + 1 for value in _values(query, "ids"))


def _values(query: bytes, name: str) -> list[str]:
    if not query:
        return []
    return [value for key, value in parse_qsl(query.decode("latin-1")) if key == name]


def _calls_in(body: bytes) -> Iterator[Any]:
    """The calls of a composite request. Raises Unreadable."""
    document = bodies.json_of(body)
    calls = document.get("__composite_requests") if isinstance(document, dict) else None
    if not isinstance(calls, list) or len(calls) > MOST_PARTS:
        raise bodies.Unreadable
    yield from calls
