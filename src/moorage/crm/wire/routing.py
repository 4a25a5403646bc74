"""The table of operations. Each has a method, a path pattern, a handler and scopes; the files of `api/` declare it."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

import msgspec

from moorage.crm.faults import invalid_method, invalid_url
from moorage.crm.wire.call import Call
from moorage.http.message import Response

MAX_BODY = 16 * 1024 * 1024  # 100 records of 160 kB each.

Handler: TypeAlias = Callable[[Call], Response | Awaitable[Response]]


class Route(msgspec.Struct, frozen=True):
    """`pattern` is a whole path. A segment in braces is a placeholder: it matches any text, which gets that name.

    A token needs every scope of `scopes`. In a scope, `{module}` stands for the group of the module in the path.
    `absent` marks an operation that Zoho has and Moorage has not yet; its handler says so. `max_body` is in bytes.
    """

    method: str
    pattern: str
    handler: Handler
    scopes: tuple[str, ...]
    absent: bool = False
    max_body: int = MAX_BODY


class _Node(msgspec.Struct):
    literals: dict[str, "_Node"] = msgspec.field(default_factory=dict)
    placeholder: "_Node | None" = None
    routes: dict[str, tuple[Route, tuple[str, ...]]] = msgspec.field(default_factory=dict)
    before_modules: bool = False  # True if the next segment may be the name of a module.


class Router:
    """A tree of path segments. A literal segment comes before a placeholder, and a later route before an earlier route.

    The name of a module begins with a capital letter. So `settings` is never the name of a module: a path that begins
    with it and leads nowhere is an unknown path.
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
            # If all operations of a path are absent, the path is unknown, whatever the method.
            is_absent = all(route.absent for route, _ in node.routes.values())
            raise invalid_url() if is_absent else invalid_method()
        route, names = routed
        return route, dict(zip(names, captured, strict=True))


def _walk(node: _Node, segments: list[str], index: int, captured: list[str]) -> _Node | None:
    while node.placeholder is None:  # Most segments have no placeholder beside them.
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
