"""The table of operations: method and path pattern to handler and scope. Each file of `api/` declares its own."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from moorage.crm.call import Call
from moorage.crm.faults import invalid_method, invalid_url
from moorage.http.message import Response

# First segments that are no module's name, so that what is missing below them is an unknown path, not a module.
RESERVED = frozenset({"org", "users", "settings"})

Handler: TypeAlias = Callable[[Call], Response | Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` is relative to `/crm/v8/`; a segment in braces matches anything and is handed on by that name.

    A token must hold every scope of `scopes`. In a scope, `{module}` stands for the group of the module in the path.
    """

    method: str
    pattern: str
    handler: Handler
    scopes: tuple[str, ...]


@dataclass(slots=True)
class _Node:
    literal: dict[str, "_Node"] = field(default_factory=dict)
    capture: "_Node | None" = None
    routes: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)


class Router:
    """A tree of path segments; a literal segment wins over a placeholder."""

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
                node = node.literal.setdefault(segment, _Node())
        node.routes[route.method] = (route, tuple(names))

    def match(self, method: str, segments: list[str]) -> tuple[Route, dict[str, str]]:
        """The route and the values of its placeholders. Raises the faults for an unknown path or method."""
        captured: list[str] = []
        node = _walk(self._root, segments, 0, captured)
        if node is None:
            raise invalid_url()
        found = node.routes.get(method)
        if found is None:
            raise invalid_method()
        route, names = found
        return route, dict(zip(names, captured, strict=True))


def _walk(node: _Node, segments: list[str], index: int, captured: list[str]) -> _Node | None:
    if index == len(segments):
        return node if node.routes else None
    segment = segments[index]
    literal = node.literal.get(segment)
    if literal is not None and (found := _walk(literal, segments, index + 1, captured)) is not None:
        return found
    if node.capture is None or not segment or (index == 0 and segment in RESERVED):
        return None
    captured.append(segment)
    found = _walk(node.capture, segments, index + 1, captured)
    if found is None:
        captured.pop()
    return found
