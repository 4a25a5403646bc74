"""Calls of older versions put into v8's words. Each function changes the call it is given."""

from dataclasses import replace
from typing import Any

from moorage.crm.wire.call import Call, encode
from moorage.crm.wire.parameters import MAX_PAGE_SIZE

_DIGITS = 9  # A number of more is never a size.


def spell_module(call: Call) -> None:
    """The module as its metadata spell it, in the path and in the parameter; an unknown name stays as it is."""
    spelling = call.organisation.metadata.module_spelling
    named = call.path.get("module")
    if named is not None and (right := spelling(named)) is not None:
        call.path = {**call.path, "module": right}
    named = call.params.get("module")
    if named is not None and (right := spelling(named)) is not None:
        call.params = {**call.params, "module": right}


def tags_in_query(call: Call) -> None:
    """Tags that stand in the query become the body they are in v8."""
    if "tag_names" not in call.params:
        return
    names = (name.strip() for name in call.params["tag_names"].split(","))
    body: dict[str, Any] = {"tags": [{"name": name} for name in names if name]}
    if "ids" in call.params:
        body["ids"] = [text.strip() for text in call.params["ids"].split(",") if text.strip()]
    if "over_write" in call.params:
        body["over_write"] = call.params["over_write"] == "true"
    call.request = replace(call.request, body=encode(body))
    call.params = {
        key: value for key, value in call.params.items() if key not in {"tag_names", "ids", "over_write"}
    }


def shorten_page(call: Call) -> None:
    """A page that is asked to be longer than pages are becomes one of the longest."""
    size = call.params.get("per_page", "").strip()
    if size.isascii() and size.isdigit() and (len(size) > _DIGITS or int(size) > MAX_PAGE_SIZE):
        call.params = {**call.params, "per_page": str(MAX_PAGE_SIZE)}
