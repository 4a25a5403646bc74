"""Changes calls of older versions into calls of v8. Each function changes its argument."""

from typing import Any

from msgspec.structs import replace

from moorage.crm.wire.call import Call, encode
from moorage.crm.wire.parameters import MAX_PAGE_SIZE

_MAX_DIGITS = 9  # A longer number is larger than any size.


def spell_module(call: Call) -> None:
    """Spell the module of the path and of the parameter as the metadata do. An unknown name stays as it is."""
    spelling = call.organisation.metadata.module_spelling
    in_path, in_query = call.path.get("module"), call.params.get("module")
    if in_path is not None and (spelled := spelling(in_path)) is not None:
        call.path = {**call.path, "module": spelled}
    if in_query is not None and (spelled := spelling(in_query)) is not None:
        call.params = {**call.params, "module": spelled}


def tags_in_query(call: Call) -> None:
    """Move tags from the query to the body, where they are in v8."""
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
    """Reduce a page size that is larger than the maximum to the maximum."""
    size = call.params.get("per_page", "").strip()
    if size.isascii() and size.isdigit() and (len(size) > _MAX_DIGITS or int(size) > MAX_PAGE_SIZE):
        call.params = {**call.params, "per_page": str(MAX_PAGE_SIZE)}
