"""A call of the request log, as people and programs see it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from moorage.http.timestamps import wire_time_of
from moorage.requests.notes import Note
from moorage.requests.store import Notice


class Call(msgspec.Struct, frozen=True):
    """A call. Its `number` is higher than those of all calls that were written before it."""

    number: int
    epoch: int  # See `store.blocks`.
    note: Note

    @property
    def at(self) -> int:
        """The time at which it began, in microseconds since the epoch."""
        return self.epoch + int(self.note.began * 1_000_000)


class Names(msgspec.Struct, frozen=True):
    """The names that people gave to an account's keys and connections, by their ids."""

    keys: Mapping[str, str]
    connections: Mapping[str, str]


def call_document(call: Call, names: Names) -> dict[str, Any]:
    """The call in the form of the API, with the names as they are now."""
    note, caller, operation = call.note, call.note.caller, call.note.operation
    connection = caller.connection_id
    path, _, query = note.native.decode("ascii").partition("?")
    app_ms = max(note.answered_at - note.sent_at, 0.0) * 1000 if note.answered_at else None
    whole_ms = max(note.ended - note.began, 0.0) * 1000
    return {
        "request_id": note.request_id.decode("ascii"),
        "trace": note.trace,
        "number": call.number,
        "at": wire_time_of(call.at),
        "key": {"id": caller.key_id, "name": names.keys.get(caller.key_id)},
        "connection": connection and {"id": connection, "alias": names.connections.get(connection)},
        "app": caller.app,
        "environment": caller.environment,
        "method": note.method.decode("latin-1"),
        "path": path,
        "query": query or None,
        "operation": operation and operation.name,
        "module": operation and (", ".join(operation.modules) or None),
        "class": operation and operation.kind,
        "verdict": note.verdict,
        "rule": note.rule,
        "status": note.status or None,
        "source": note.source,
        "error": note.error,
        "sent": note.sent,
        "bytes_in": note.bytes_in,
        "bytes_out": note.bytes_out,
        "duration_ms": round(whole_ms, 3),
        "app_ms": None if app_ms is None else round(app_ms, 3),
    }


def notice_document(notice: Notice) -> dict[str, Any]:
    return {
        "kind": notice.kind,
        "at": wire_time_of(notice.number),
        "since": None if notice.since is None else wire_time_of(notice.since),
        "count": notice.count,
    }
