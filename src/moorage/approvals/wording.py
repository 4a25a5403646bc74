"""Says in words what a call does."""

import re
from collections import Counter
from collections.abc import Iterator

from moorage.policies import Operation
from moorage.policies.model import ANY_MODULE, KINDS

_ACTION = re.compile(r"/actions/(\w+)")
_OF_A_RECORD = re.compile(r"/crm/v8/\{module\}/\{\w+\}/[^/]+(?:/\{\w+\})?")  # What belongs to a record.
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
_LONGEST = 200


def words_of(operation: Operation, path: str, records: int) -> str:
    """What a call does, as `delete 2 records in Leads`.

    `path` is the app's own, without a query. `records` is how many the call names; 0 if that is not known.
    """
    if not operation.parts:
        return _cut(_words(operation, path, records))
    # The worst first, because the end may be cut off.
    parts = sorted(_single(operation), key=lambda part: KINDS.index(part.kind), reverse=True)
    times = Counter(_words(part, part.path or path, part.records) for part in parts)
    if any(part.name == operation.name for part in operation.parts):  # They are ways to read one call.
        return _cut(" or ".join(times))
    return _cut(
        "; ".join(f"{words} ({count} times)" if count > 1 else words for words, count in times.items())
    )


def _single(operation: Operation) -> Iterator[Operation]:
    """The operations that an operation consists of."""
    if not operation.parts:
        yield operation
    for part in operation.parts:
        yield from _single(part)


def _words(operation: Operation, path: str, records: int) -> str:
    call = f"{operation.method} {path}"
    if operation.opaque:
        return call if operation.kind == "read" else f"{call}, which may do anything"
    modules = ", ".join(module for module in operation.modules if module != ANY_MODULE)
    template = operation.name.partition(" ")[2]
    action = _ACTION.search(path)
    if action is not None:
        undo = "undo " if operation.method == "DELETE" else ""
        # Elsewhere a caller may name any module in the query, and make the end of a user sound like that of a record.
        is_of_records = bool(modules) and template.startswith("/crm/v8/{module}/")
        where = f" in {modules}" if is_of_records else f", by {call}"
        return f"{undo}{action[1].replace('_', ' ')}{where}"
    verb = "read" if operation.kind == "read" else _VERBS.get(operation.method, operation.method)
    if _OF_A_RECORD.fullmatch(template):
        return f"{verb} {operation.path.split('/')[5]} of a record in {operation.module}"
    count = f"{records} record{'' if records == 1 else 's'}" if records > 0 else "records"
    if template == "/crm/v8/{module}/upsert":
        return f"create or update {count} in {modules}"
    if template in {"/crm/v8/{module}", "/crm/v8/{module}/{id}"}:
        return f"{verb} {count} in {modules}"
    return f"{call} ({modules})" if modules else call


def _cut(text: str) -> str:
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
