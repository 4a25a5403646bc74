"""Finds the records that a lookup can lead to, and the users that an owner can be."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from moorage.console.crm.place import Place
from moorage.console.tables import cell_text

Choices: TypeAlias = list[tuple[str, str]]  # Ids with names.
_MOST = 8
_USER_PAGES = 5


async def found_by(place: Place, module: str, words: str) -> Choices:
    """Records of a module that have these words. Of fewer than two letters Zoho finds nothing."""
    words = words.strip()
    if len(words) < 2:
        return []
    display = str((await place.module(module)).get("display_field") or "id")
    query = {"word": words, "fields": display, "per_page": _MOST}
    answer = await place.read(f"/{module}/search", query, keeps_errors=True)
    if answer.status != 200:
        return []
    records = (answer.document or {}).get("data") or ()
    return [(str(record["id"]), cell_text(record.get(display)) or str(record["id"])) for record in records]


async def users_of(place: Place) -> Choices:
    """The active users of the organisation, up to 1,000 of them."""
    users = list[Mapping[str, Any]]()
    for page in range(1, _USER_PAGES + 1):
        query = {"type": "ActiveUsers", "per_page": 200, "page": page}
        answer = await place.read("/users", query, keeps_errors=True)
        document = (answer.document or {}) if answer.status == 200 else {}
        users += document.get("users") or ()
        if not (document.get("info") or {}).get("more_records"):
            break
    return [(str(user["id"]), str(user.get("full_name") or user["id"])) for user in users]
