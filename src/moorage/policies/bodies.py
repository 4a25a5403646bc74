"""What the body of a call says about what the call does."""

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from moorage.policies.overrides import is_parameter

_FROM = re.compile(r"\bfrom\s+([A-Za-z]\w*)", re.IGNORECASE)
_ANY_FROM = re.compile(r"\bfrom\b", re.IGNORECASE)
_THROUGH_LOOKUP = re.compile(r"[A-Za-z]\w*\s*\.\s*[A-Za-z]")
_FINDING = frozenset(
    {"criteria", "cvid", "filters", "restore_all_records"}
)  # What finds the records of a job.
# `name="a"`, and `name*=utf-8''a`, which some readers of forms take for the same.
_FORM_FIELD = re.compile(
    rb"""name\s*(?:\*\s*=\s*["']?[^'";\r\n]{0,40}'[^'";\r\n]{0,40}'|=\s*["']?)([^"';\r\n]{1,100})""",
    re.IGNORECASE,
)


class Unreadable(ValueError):
    """The body is not JSON that every reader reads in the same way."""


def json_of(body: bytes) -> Any:
    """The document of a body. Raises Unreadable, also if a name is there twice: some readers take the first value."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise Unreadable from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise Unreadable("a name is there twice")
    return document


def bytes_of(document: Any) -> bytes:
    """A document as the body of a call."""
    return json.dumps(document).encode()


def has_reference(text: str) -> bool:
    """True if a part of the text stands for something from the answer to another call, such as `@{1:$.id}`."""
    return "{" in text


def asks_for_another_method(body: bytes) -> bool:
    """True if a form or a JSON object asks the app to treat the call as if it had another method.

    What is JSON may be a form as well: the sender says which it is. A body that is no text, because it is compressed or
    has another character set, may ask for anything. Only forms with files have any bytes.
    """
    if not body.startswith(b"--") and not _is_text(body):
        return True
    return any(map(is_parameter, (*_names_of_object(body), *_form_names(body))))


def _is_text(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in body


def _names_of_object(body: bytes) -> Iterator[str]:
    with contextlib.suppress(Unreadable):
        document = json_of(body)
        if isinstance(document, dict):
            yield from document


def _form_names(body: bytes) -> Iterator[str]:
    """The names of the fields of a form, in either coding."""
    for field in _FORM_FIELD.findall(body):
        yield unquote_plus(field.decode("latin-1"))
    for part in body.replace(b";", b"&").split(b"&"):
        yield unquote_plus(part.partition(b"=")[0][:200].decode("latin-1"))


def records_in(document: Any) -> int | None:
    """How many records a document is about: the length of its longest list. None if a job finds its records itself."""
    if isinstance(document, list):
        return len(document)
    if not isinstance(document, dict):
        return 0
    if any(name.casefold() == "cvid" for name in document):
        return None
    if any(isinstance(value, str) and value.startswith("@{") for value in document.values()):
        return None  # A list of records from the answer to another call.
    return max((len(value) for value in document.values() if isinstance(value, list)), default=0)


def ids_in(document: Any) -> int | None:
    """How many records the `ids` of a document name. None if it may find records in another way."""
    if not isinstance(document, dict) or not _FINDING.isdisjoint(map(str.casefold, document)):
        return None
    ids = document.get("ids")
    return len(ids) if isinstance(ids, list) else None


def modules_of_query(document: Any) -> frozenset[str] | None:
    """The modules of a query in Zoho's language. None if it may be about others: through lookups, or unreadable."""
    query = document.get("select_query") if isinstance(document, dict) else None
    if not isinstance(query, str) or _THROUGH_LOOKUP.search(query):
        return None
    named = _FROM.findall(query)
    return frozenset(named) if named and len(named) == len(_ANY_FROM.findall(query)) else None


def modules_of_job(document: Any) -> frozenset[str] | None:
    """The modules that a bulk job names, as `{"module": {"api_name": "Leads"}}` or as a text.

    None if it names none, or if it may be about others: through lookups.
    """
    if _THROUGH_LOOKUP.search(json.dumps(document)):
        return None
    return frozenset(_modules_in(document, 0)) or None


def _modules_in(value: Any, depth: int) -> Iterator[str]:
    if depth > 8:
        return
    if isinstance(value, list):
        for each in value:
            yield from _modules_in(each, depth + 1)
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "module":
                module = inner.get("api_name") if isinstance(inner, dict) else inner
                if isinstance(module, str):
                    yield module
            else:
                yield from _modules_in(inner, depth + 1)
