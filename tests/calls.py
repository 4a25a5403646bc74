"""Calls in the request log, for tests that make none through a gateway."""

from time import monotonic

import msgspec

from moorage.policies import Classifier
from moorage.requests import Caller, Note, Notes
from moorage.requests.blocks import Called, NewBlock, content_of, notes_of
from moorage.requests.notes import Ending
from moorage.requests.writer import Writer

_ENDING = [member.name for member in msgspec.structs.fields(Ending)]
_WRITER = Writer(None, Notes(), Classifier({}).classify)


def noted(account, *, key="key_1", app="zoho-crm", connection="c", environment="embedded", **members):
    """A note of a call that took 5 ms, of which the app took 3."""
    now = monotonic()
    path = members.pop("path", "/crm/v8/Leads").encode()
    method = members.pop("method", "GET").encode()
    request_id = members.pop("request_id", "r1").encode()
    values = {
        "status": 200,
        "source": "upstream",
        "error": None,
        "bytes_in": 0,
        "bytes_out": 9,
        "sent": "true",
    }
    caller = Caller(account, key, app, connection, environment)
    moments = now - 0.005, now - 0.004, now - 0.001, now
    return Note(caller, method, path, request_id, *moments, **values | members)


def log_call(control, account, **members):
    log_calls(control, [noted(account, **members)])


def log_calls(control, notes):
    for note in notes:
        add(control.rooms.request_notes, note)
    control.run(control.rooms.request_writer.write())


def add(notes, note, decision=None):
    """Add a call to the notes that wait, by default one of a key without a policy."""
    what = note.caller, note.method, note.native, decision
    notes.add(what, tuple(getattr(note, name) for name in _ENDING))


def taken(notes):
    """Take the calls that wait, as the log would keep them."""
    return [note for sheet in notes.take() for note in calls_on(sheet)]


def calls_on(sheet):
    return notes_of(content_of(sheet, list(map(_WRITER._called, sheet.places))))


def block_of(*notes):
    """A block with calls, as they are."""
    waiting, called = Notes(), {}
    for note in notes:
        add(waiting, note)
        what = note.caller, note.method, note.native
        called.setdefault(what, Called(*what, note.operation, note.verdict, note.rule))
    [sheet] = waiting.take()
    return NewBlock(sheet.account_id, len(sheet), content_of(sheet, list(called.values())))
