"""What is in a held call, and what it would change, as people read it before they decide."""

import contextlib
import json
from typing import Any

from moorage.approvals.diff import Diff
from moorage.approvals.model import HeldCall
from moorage.http.timestamps import wire_time_of
from moorage.policies.bodies import json_of

LONGEST_BODY = 4000  # Characters that are shown.


def call_document(call: HeldCall) -> dict[str, Any]:
    """The call, with as much of its body as people read. `note` says what is left out."""
    body, note = _body_of(call)
    return {
        "method": call.method,
        "target": call.native.decode("latin-1"),
        "headers": [
            {"name": name.decode("latin-1"), "value": value.decode("latin-1")} for name, value in call.headers
        ],
        "body": body,
        "note": note,
    }


def diff_document(diff: Diff) -> dict[str, Any]:
    return {
        "at": wire_time_of(diff.at),
        "records": [
            {
                "what": record.what,
                "module": record.module or None,
                "id": record.id or None,
                "name": record.name or None,
                "fields": [
                    {"name": field.name, "old": field.old, "new": field.new} for field in record.fields
                ],
                "more": record.more,
            }
            for record in diff.records
        ],
        "beyond": diff.beyond,
        "notes": diff.notes,
    }


def _body_of(call: HeldCall) -> tuple[str | None, str | None]:
    if not call.body:
        return None, None
    try:
        text = call.body.decode()
    except UnicodeDecodeError:
        return None, f"The body has {len(call.body)} bytes that are no text."
    # Other texts are shown as they are, also if a name is there twice: the app may take either value.
    with contextlib.suppress(ValueError, RecursionError):
        text = json.dumps(json_of(call.body), ensure_ascii=False, indent=2)
    text = text.encode("utf-8", "replace").decode()
    if len(text) <= LONGEST_BODY:
        return text, None
    return text[:LONGEST_BODY], f"That is the beginning. The whole body has {len(text)} characters."
