"""The audit of an account, in the form of the control API."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict, cast

from moorage.client.pages import pages

if TYPE_CHECKING:
    from moorage.client.client import Moorage

_PAGE = 1000  # The most entries that an answer has.


class Actor(TypedDict):
    """Who caused a change. `kind` is key, person, operator or server."""

    kind: str
    id: str | None
    name: str | None
    address: str | None


class Entry(TypedDict):
    """One change. `hash` is that of the other members, and `previous` that of the entry before (docs/audit.md)."""

    account: str
    number: int
    at: str
    actor: Actor
    request_id: str | None
    action: str
    subject: str
    before: Any
    after: Any
    previous: str
    hash: str


class Audit:
    """Who changed what. Every method raises ApiError, Unreachable."""

    def __init__(self, client: "Moorage") -> None:
        self._client = client

    def list(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        limit: int | None = None,
    ) -> list[Entry]:
        """The newest entries that match. `since` and `until` are times, or texts such as 24h for how long ago."""
        asked = {
            "actor": actor,
            "action": action,
            "subject": subject,
            "since": since,
            "until": until,
            "limit": limit,
        }
        return cast("list[Entry]", self._page(asked)["entries"])

    def every(self) -> Iterator[Entry]:
        """All entries, the oldest first, in several requests."""
        asked = {"order": "oldest", "limit": _PAGE}
        for page in pages(lambda cursor: self._page({**asked, "cursor": cursor}), "1"):
            yield from page["entries"]

    def _page(self, asked: dict[str, Any]) -> Any:
        params = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asked.items()
            if value is not None
        }
        return self._client.request("GET", "/audit", params=params).json()
