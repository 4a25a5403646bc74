"""The table of operations: method and path pattern to handler and scope. Each file of `api/` declares its own."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from moorage.crm.faults import invalid_method, invalid_url
from moorage.crm.wire.call import Call
from moorage.http.message import Response

MAX_BODY = 16 * 1024 * 1024  # 100 records of 160 kB each.

Handler: TypeAlias = Callable[[Call], Response | Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` is a whole path; a segment in braces matches anything and is handed on by that name.

    A token must hold every scope of `scopes`. In a scope, `{module}` stands for the group of the module in the path.
    `absent` marks an operation that is known and not here yet: its handler says so. `max_body` is in bytes.
    """

    method: str
    pattern: str
    handler: Handler
    scopes: tuple[str, ...]
    absent: bool = False
    max_body: int = MAX_BODY


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    placeholder: "_Node | None" = None
    routes: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)
    before_modules: bool = False  # A module's name may come next.


class Router:
    """A tree of path segments; a literal segment wins over a placeholder, and a later route over an earlier one.

    A module's name begins with a capital. So a segment that stands where one may, and begins otherwise, such as
    `settings`, is an unknown path where it leads nowhere, and no module.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node, names = self._root, []
        for segment in route.pattern.removeprefix("/").split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.before_modules |= segment == "{module}"
                node.placeholder = node.placeholder or _Node()
                node = node.placeholder
            else:
                node = node.literals.setdefault(segment, _Node())
        node.routes[route.method] = (route, tuple(names))

    def match(self, method: str, segments: list[str]) -> tuple[Route, dict[str, str]]:
        """The route and the values of its placeholders. Raises the faults for an unknown path or method."""
        captured: list[str] = []
        node = _walk(self._root, segments, 0, captured)
        if node is None:
            raise invalid_url()
        routed = node.routes.get(method)
        if routed is None:
            # With no method does a path lead anywhere that is not here at all.
            is_absent = all(route.absent for route, _ in node.routes.values())
            raise invalid_url() if is_absent else invalid_method()
        route, names = routed
        return route, dict(zip(names, captured, strict=True))


def _walk(node: _Node, segments: list[str], index: int, captured: list[str]) -> _Node | None:
    while node.placeholder is None:  # Most of a path is this plain.
        if index == len(segments):
            return node if node.routes else None
        following = node.literals.get(segments[index])
        if following is None:
            return None
        node, index = following, index + 1
    if index == len(segments):
        return node if node.routes else None
    segment = segments[index]
    literal = node.literals.get(segment)
    if literal is not None:
        reached = _walk(literal, segments, index + 1, captured)
        if reached is not None or (node.before_modules and not segment[0].isupper()):
            return reached
    if not segment:
        return None
    captured.append(segment)
    reached = _walk(node.placeholder, segments, index + 1, captured)
    if reached is None:
        captured.pop()
    return reached
