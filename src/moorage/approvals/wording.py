"""Says in words what a call does."""

import re

_ACTION = re.compile(r"/actions/(\w+)")
_VERBS = {
    "GET": "read",
    "HEAD": "read",
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}
_LONGEST = 200


def words_of(method: str, path: str, modules: str, records: int) -> str:
    """What a call does, as `delete 2 records in Leads`. `path` is the app's own, without a query."""
    action = _ACTION.search(path)
    where = f" in {modules}" if modules else ""
    if action is not None:
        return _cut(f"{action[1].replace('_', ' ')}{where}")
    if not modules:
        return _cut(f"{method} {path}")
    verb = "create or update" if path.endswith("/upsert") else _VERBS.get(method, method)
    count = f"{records} record{'' if records == 1 else 's'}" if records > 0 else "records"
    return _cut(f"{verb} {count}{where}")


def _cut(text: str) -> str:
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
