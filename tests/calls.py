"""Calls in the request log, for tests that make none through a gateway."""

from time import monotonic

from moorage.requests import Caller, Note


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
        control.rooms.request_notes.add(note)
    control.run(control.rooms.request_writer.write())
