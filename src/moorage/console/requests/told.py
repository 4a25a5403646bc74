"""What happened to a call, in sentences: whose answer it was, whether it was sent, the cause, what to do."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

_ROW = re.compile(r"^\| `([a-z_]+)` \| (\d+) \| (.+) \|$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_BROKEN = {
    "broken_off": "The app ended its answer early. What had come by then was passed on.",
    "caller_gone": "The program that called did not wait for the answer.",
    "not_sent": "The call was approved, and could not be sent.",
}
# What answers of apps with these statuses mean, whatever app it is.
_STATUSES = {
    400: ("The app could not use what was sent.", "Look at the answer: it names the field or the parameter."),
    401: ("The app did not accept the token.", "Look at the connection: it may have to be connected again."),
    403: ("The account may not do this.", "Give the account's user the right, or connect with more scopes."),
    404: (
        "The app knows no such path or record.",
        "Compare the path and the id with the app's documentation.",
    ),
    409: ("What was sent contradicts what is there.", "Read the record again, then repeat the change."),
    413: ("The app takes no body of this length.", "Send it in parts."),
    429: ("The app was called too often.", "Wait, then call more slowly. The page Limits shows who calls."),
}
_FAILING = ("The app has trouble itself.", "Wait, then try again. If it lasts, ask its makers.")
_OTHERS = ("The app refused the call.", "Look at the answer, and at the app's documentation.")


@cache
def meanings() -> Mapping[str, str]:
    """What each error of the gateway means, from the page of errors, without its links. Without the page, nothing."""
    page_file = files("moorage") / "docs" / "errors.md"
    page = page_file.read_text("utf-8") if page_file.is_file() else ""
    return {code: _LINK.sub(r"\1", meaning).replace("`", "") for code, _, meaning in _ROW.findall(page)}


def told(call: Mapping[str, Any]) -> dict[str, Any]:
    """`outcome` is `good`, `warn` or `bad`. `cause` and `fix` are None if there is nothing to say."""
    cause, fix = _cause(call)
    return {
        "outcome": _outcome(call),
        "happened": _happened(call),
        "sent": _sent(call),
        "cause": cause,
        "fix": fix,
    }


def _outcome(call: Mapping[str, Any]) -> str:
    status = call["status"]
    if status is None or status >= 500 or call["error"] in _BROKEN:
        return "bad"
    return "good" if status < 400 and call["error"] is None else "warn"


def _happened(call: Mapping[str, Any]) -> str:
    who = call["key"]["name"] or call["key"]["id"]
    begun = f"{'The key ' if call['key']['id'].startswith('key_') else ''}{who} called {call['app']}"
    if call["status"] is None:
        return f"{begun} and got no answer."
    if call["source"] == "gateway":
        return f"{begun}, and Moorage answered {call['status']} itself ({call['error'] or 'no error'})."
    ended = ", but the answer was not whole" if call["error"] is not None else ""
    return f"{begun}, and the app answered {call['status']}{ended}."


def _sent(call: Mapping[str, Any]) -> str:
    return {
        "true": "The app has got the call.",
        "false": "Nothing was sent to the app, so the call can be repeated safely.",
        "unknown": "Something was sent and no answer came. Look whether it had an effect before you repeat it.",
    }[call["sent"]]


def _cause(call: Mapping[str, Any]) -> tuple[str | None, str | None]:
    status, error = call["status"], call["error"]
    if error is not None:
        words = _BROKEN.get(error) or meanings().get(error)
        if words is None:
            return None, None
        first, _, rest = words.partition(". ")
        return (f"{first}." if rest else first), rest or None
    if status is None or status < 400:
        return None, None
    return _FAILING if status >= 500 else _STATUSES.get(status, _OTHERS)
