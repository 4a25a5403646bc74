"""Who calls, as it looks to rooms that know nothing of API keys."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reach:
    """The connections that a caller may act through: those of some apps (None for all), and some by their ids.

    With `embedded_only`, none of them may lead anywhere but to the embedded CRM.
    """

    apps: frozenset[str] | None = None
    connections: frozenset[str] = frozenset()
    embedded_only: bool = False


EVERYWHERE = Reach()


class Principal(Protocol):
    """Who calls: what `keys` makes of an API key."""

    @property
    def account_id(self) -> str: ...

    @property
    def name(self) -> str:
        """What its holder calls it."""

    @property
    def reach(self) -> Reach: ...

    def may(self, scope: str) -> bool:
        """Whether a scope of the control API, such as `connections:write`, was given."""

    def require(self, scope: str) -> None:
        """Raises ScopeMissing unless a scope of the control API was given."""

    def require_app(self, app: str) -> None:
        """Raises ScopeMissing unless all connections of the app are in reach, those too that are still to be made."""

    def require_live(self, what: str) -> None:
        """Raises RightsExceeded for a caller who must not touch what live ones use; `what` says what it asked for."""
