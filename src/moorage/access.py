"""Who calls and what they may reach, for rooms that know nothing of API keys."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reach:
    """The connections that a caller may use: all of some apps (`apps`, None for every app), and single ones by their
    ids.

    With `embedded_only`, only connections that lead to the embedded CRM.
    """

    apps: frozenset[str] | None = None
    connections: frozenset[str] = frozenset()
    embedded_only: bool = False


EVERYWHERE = Reach()


class Principal(Protocol):
    """Who calls. `keys` makes it from an API key."""

    @property
    def account_id(self) -> str: ...

    @property
    def name(self) -> str:
        """The name that the holder gave the key."""

    @property
    def reach(self) -> Reach: ...

    def may(self, scope: str) -> bool:
        """Whether the caller has a scope of the control API, such as `connections:write`."""

    def require(self, scope: str) -> None:
        """Raises ScopeMissing unless the caller has a scope of the control API."""

    def require_app(self, app: str) -> None:
        """Raises ScopeMissing unless all connections of the app are in reach, future ones as well."""

    def require_live(self, what: str) -> None:
        """Raises RightsExceeded for a test key. `what` names the action, which would change what live keys use."""
