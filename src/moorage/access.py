"""The caller and the connections that the caller may use, for rooms that know nothing about API keys."""

from typing import Protocol

import msgspec


class Reach(msgspec.Struct, frozen=True):
    """The connections that a caller may use: those of all `apps`, and single `connections`, by their ids.

    `apps` is None for every app. With `embedded_only`, only connections that lead to the embedded CRM count.
    """

    apps: frozenset[str] | None = None
    connections: frozenset[str] = frozenset()
    embedded_only: bool = False


EVERYWHERE = Reach()


class Principal(Protocol):
    """The caller of an operation. The room `keys` makes it from an API key."""

    @property
    def key_id(self) -> str: ...

    @property
    def account_id(self) -> str: ...

    @property
    def name(self) -> str:
        """The name that the holder gave the key."""

    @property
    def reach(self) -> Reach: ...

    def may(self, scope: str) -> bool:
        """True if the caller has a scope of the control API, such as `connections:write`."""

    def require(self, scope: str) -> None:
        """Raises ScopeMissing unless the caller has a scope of the control API."""

    def require_app(self, app: str) -> None:
        """Raises ScopeMissing unless the caller may use all connections of the app, future connections included."""

    def require_live(self, what: str) -> None:
        """Raises RightsExceeded for a test key. `what` names an action that changes something that live keys use."""
