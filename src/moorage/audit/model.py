"""An entry as a value, in the form of the API, and its hash."""

import hashlib
from typing import Any

import msgspec

from moorage.acting import Actor
from moorage.audit.canonical import canonical
from moorage.http.timestamps import wire_time_of

FIRST = "0" * 64  # What stands for the hash before the first entry of an account.


class Entry(msgspec.Struct, frozen=True):
    """`number` counts the entries of an account. `at` is in microseconds since the epoch.

    `action` is a noun and what happened to it, as in `key.revoked`; `subject` is the id or the name of that key.
    `before` and `after` are what `canonical.plain` gives. `previous` is the hash of the entry before this one.
    """

    account_id: str
    number: int
    at: int
    actor: Actor
    action: str
    subject: str
    before: Any
    after: Any
    previous: str


def hash_of(document: dict[str, Any]) -> str:
    """The hash of an entry's document: SHA-256 of the canonical JSON of all its members but `hash`."""
    members = {name: value for name, value in document.items() if name != "hash"}
    return hashlib.sha256(canonical(members).encode("utf-8", "surrogatepass")).hexdigest()


def document_of(entry: Entry) -> dict[str, Any]:
    """The entry in the form of the API, of the command line and of an export, with its hash."""
    who = entry.actor
    document = {
        "account": entry.account_id,
        "number": entry.number,
        "at": wire_time_of(entry.at),
        "actor": {"kind": who.kind, "id": who.id, "name": who.name, "address": who.address},
        "request_id": who.request_id,
        "action": entry.action,
        "subject": entry.subject,
        "before": entry.before,
        "after": entry.after,
        "previous": entry.previous,
    }
    return {**document, "hash": hash_of(document)}
