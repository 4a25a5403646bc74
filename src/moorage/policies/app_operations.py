"""The operations of one app: what its calls do, by its table and its file, and else by their methods."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from msgspec.structs import replace

from moorage.policies import bodies
from moorage.policies.composite import of_calls
from moorage.policies.model import ANY_MODULE, KINDS, NOTHING, SAFE_METHODS, Kind, Operation, Unsure, worst
from moorage.policies.overrides import in_target
from moorage.policies.readings import readings
from moorage.policies.table import Found, Row, Table, in_latest_version, shipped, shipped_table

MOST_IN_ONE_CALL = 100  # The records that a call may change if nothing says how many.
_WRITING = frozenset({"POST", "PUT", "PATCH"})
_WORDS = re.compile(r"[/.]")  # What stands between the words of a path.
# In the place of a method: the call asks for a WebSocket. What passes through it may write.
WEBSOCKET = "WEBSOCKET"
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
_KIND_AND_RECORDS: frozenset[Unsure] = frozenset({"kind", "records"})
_MODULES: frozenset[Unsure] = frozenset({"modules"})


class AppOperations:
    """The operations of one app. `overrides` is what the app's file says of them."""

    def __init__(self, name: str, overrides: Mapping[str, Kind]) -> None:
        rows = [_row_of(name, kind) for name, kind in overrides.items()]
        known = shipped(name)
        self.has_table = known is not None
        self._exact = [Table(rows), shipped_table(name)]
        self._folded = [Table(rows, folded=True), shipped_table(name, folded=True)]
        self.names = frozenset(row.name for _, _, row in (*rows, *(known or ())))
        kinds: dict[str, list[Kind]] = {}
        for method, _, row in known or ():
            kinds.setdefault(method, []).append(row.kind)
        # By the last word of its path a call tells what it does, also where no table has the path.
        self._telling = frozenset(
            pattern.rpartition("/")[2]
            for method, pattern, row in known or ()
            if method == "POST" and row.kind == "destructive" and row.body is None
        )
        self._worst_of_method = {method: worst(of_method) for method, of_method in kinds.items()}

    def classify(
        self,
        method: str,
        path: bytes,
        query: bytes,
        body: bytes | None,
        *,
        overridden: bool,
        formless: bool = False,
        depth: int = 0,
    ) -> Operation:
        ways = readings(path)
        if ways is None or overridden or in_target(path, query):
            return opaque(method)
        operations: list[Operation] = []
        for segments in ways:
            if self.has_table:
                segments = in_latest_version(segments)  # noqa: PLW2901
            for tables in (self._exact, self._folded):
                found = _first(tables, method, segments)
                operation = self._operation(found, method, segments, query)
                if formless and _may_be_a_form(found, method):
                    operation = self._without_a_form(operation, found)
                if body is not None and operation.unsure:
                    operation = self._with_body(operation, found, query, body, depth)
                if operation not in operations:
                    operations.append(operation)
        return operations[0] if len(operations) == 1 else _any_of(operations)

    def _operation(self, found: Found | None, method: str, segments: list[str], query: bytes) -> Operation:
        """The operation in one way of reading the path, as bad as its body may make it."""
        path = "/" + "/".join(segments)
        if found is None:
            return self._unknown(method, path, query)
        row = found.row
        module, modules = _modules(found, segments, query)
        records = 0 if row.kind == "read" else _records(row, method, query)
        unsure = _RECORDS if records and method in _WRITING else NOTHING
        if row.body is not None:
            unsure = _OF_BODY if row.body == "calls" else _MODULES
            modules = _WITH_ANY_MODULE
        is_opaque = row.body == "calls"
        operation = Operation(
            row.name, row.kind, module, modules, records, unsure, method=method, path=path, opaque=is_opaque
        )
        return _not_looked_at(operation) if _may_be_a_form(found, method) else operation

    def _unknown(self, method: str, path: str, query: bytes) -> Operation:
        """A call that no table knows."""
        unsure, records = NOTHING, max(1, _ids_in(query))
        if method in SAFE_METHODS:
            kind: Kind = "write" if self.has_table else "read"
            records = int(self.has_table)
        else:
            kind = self._as_told(path) if method in _WRITING or method == WEBSOCKET else "destructive"
        if method in _WRITING:
            unsure, records = _RECORDS, MOST_IN_ONE_CALL
        modules = _WITH_ANY_MODULE if self.has_table else ()
        operation = Operation(method, kind, None, modules, records, unsure, method=method, path=path)
        return _not_looked_at(operation) if _may_be_a_form(None, method) else operation

    def _with_body(
        self, operation: Operation, found: Found | None, query: bytes, body: bytes, depth: int
    ) -> Operation:
        sure, row = replace(operation, unsure=NOTHING), None if found is None else found.row
        if row is not None and row.body == "calls":
            return of_calls(self, sure, body, depth)
        try:
            document = bodies.json_of(body) if body else {}
        except bodies.Unreadable:
            document = None
        if row is not None and row.body is not None:
            named = (bodies.modules_of_query if row.body == "query" else bodies.modules_of_job)(document)
            return sure if named is None else replace(sure, modules=tuple(sorted(named)))
        if "kind" in operation.unsure:
            if bodies.asks_for_another_method(body):
                return opaque(operation.method)
            sure = self._without_a_form(sure, found)
            if sure.kind == "read":
                return sure
        if document is None:
            # A form with a file is about one record.
            return replace(sure, records=1) if body.startswith(b"--") else sure
        if row is not None and row.most is not None:
            records = bodies.ids_in(document) if row.by_ids else None
            return sure if records is None else replace(sure, records=max(1, records))
        records = bodies.records_in(document)
        return replace(sure, records=max(1, _ids_in(query), MOST_IN_ONE_CALL if records is None else records))

    def _without_a_form(self, operation: Operation, found: Found | None) -> Operation:
        """A POST that might have been a form, whose body names no other method."""
        kind = self._as_told(operation.path) if found is None else found.row.kind
        if kind == "read":
            return replace(operation, kind=kind, records=0, unsure=NOTHING, opaque=False)
        return replace(operation, kind=kind, unsure=operation.unsure - {"kind"}, opaque=False)

    def _as_told(self, path: str) -> Kind:
        """What a call that no table knows does, by the words in its path."""
        folded = path.casefold()
        tells = any(word in folded for word in _TELLING) or not self._telling.isdisjoint(_WORDS.split(folded))
        return "destructive" if tells else "write"

    def worst(self, method: str) -> Kind:
        """The worst that a call with this method does."""
        return self._worst_of_method.get(method, "destructive")


def _any_of(operations: list[Operation]) -> Operation:
    """The operation of a call that an app could read in several ways: as bad as the worst of them."""
    return replace(
        max(operations, key=lambda operation: KINDS.index(operation.kind)),
        modules=tuple(sorted({module for operation in operations for module in operation.modules})),
        records=max(operation.records for operation in operations),
        unsure=frozenset(each for operation in operations for each in operation.unsure),
        parts=tuple(operations),
    )


def _may_be_a_form(found: Found | None, method: str) -> bool:
    """True if the app may take the call for one with another method, because a form or an object in it says so."""
    return method == "POST" and (found is None or found.row.forms)


def _not_looked_at(operation: Operation) -> Operation:
    """A POST that may name another method. Until somebody looks, it does."""
    unsure = operation.unsure | _KIND_AND_RECORDS
    return replace(operation, kind="destructive", records=MOST_IN_ONE_CALL, unsure=unsure, opaque=True)


def opaque(method: str) -> Operation:
    """A call that may do anything."""
    return Operation(
        method, "destructive", None, _WITH_ANY_MODULE, MOST_IN_ONE_CALL, method=method, opaque=True
    )


def _row_of(name: str, kind: Kind) -> tuple[str, str, Row]:
    """The row of an operation that the app's file names, such as `POST /search`."""
    method, _, pattern = name.partition(" ")
    return method, pattern, Row(name, kind, forms=True)


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


def _records(row: Row, method: str, query: bytes) -> int:
    """The most records that a call may change, as long as nobody has read its body."""
    if row.most is None:
        return MOST_IN_ONE_CALL if method in _WRITING else max(1, _ids_in(query))
    names_them = row.by_ids and method not in _WRITING and _has_only_ids(query)
    return (_ids_in(query) or row.most) if names_them else row.most


def _ids_in(query: bytes) -> int:
    """How many records the query names by their ids."""
    return sum(value.count(",") + 1 for value in _values(query, "ids"))


def _has_only_ids(query: bytes) -> bool:
    return all(name == "ids" for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))


def _values(query: bytes, name: str) -> list[str]:
    if not query:
        return []
    return [value for key, value in parse_qsl(query.decode("latin-1")) if key == name]
