"""The table of operations: method and path pattern to handler and scope. Each file of `api/` declares its own."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from moorage.crm.faults import invalid_method, invalid_url
from moorage.crm.wire.call import Call
from moorage.http.message import Response

Handler: TypeAlias = Callable[[Call], Response | Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` is relative to `/crm/v8/`; a segment in braces matches anything and is handed on by that name.

    A token must hold every scope of `scopes`. In a scope, `{module}` stands for the group of the module in the path.
    `absent` marks an operation that is known and not here yet: its handler says so.
    """

    method: str
    pattern: str
    handler: Handler
    scopes: tuple[str, ...]
    absent: bool = False


@dataclass(slots=True)
class _Node:
    literal: dict[str, "_Node"] = field(default_factory=dict)
    capture: "_Node | None" = None
    routes: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)
    reserved: bool = False  # Nothing below it is found by a placeholder in its own place.


class Router:
    """A tree of path segments; a literal segment wins over a placeholder, and a later route over an earlier one.

    A module's name begins with a capital. So a path that begins with a literal that does not, such as `settings`, is
    an unknown path where it leads nowhere, and no module.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node, names = self._root, []
        for segment in route.pattern.split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.capture = node.capture or _Node()
                node = node.capture
            else:
                reserved = node is self._root and not segment[0].isupper()
                node = node.literal.setdefault(segment, _Node(reserved=reserved))
        node.routes[route.method] = (route, tuple(names))

    def match(self, method: str, segments: list[str]) -> tuple[Route, dict[str, str]]:
        """The route and the values of its placeholders. Raises the faults for an unknown path or method."""
        captured: list[str] = []
        node = _walk(self._root, segments, 0, captured)
        if node is None:
            raise invalid_url()
        found = node.routes.get(method)
        if found is None:
            # With no method does a path lead anywhere that is not here at all.
            raise invalid_url() if all(one.absent for one, _ in node.routes.values()) else invalid_method()
        route, names = found
        return route, dict(zip(names, captured, strict=True))


def _walk(node: _Node, segments: list[str], index: int, captured: list[str]) -> _Node | None:
    if index == len(segments):
        return node if node.routes else None
    segment = segments[index]
    literal = node.literal.get(segment)
    if literal is not None:
        found = _walk(literal, segments, index + 1, captured)
        if found is not None or literal.reserved:
            return found
    if node.capture is None or not segment:
        return None
    captured.append(segment)
    found = _walk(node.capture, segments, index + 1, captured)
    if found is None:
        captured.pop()
    return found
