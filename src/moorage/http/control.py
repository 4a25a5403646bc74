"""What every route of the control API needs from a request: the caller, the JSON body, the known parameters."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.access import Principal
from moorage.http.bodies import MAX_HELD_OF_STRANGERS, Allowance, Body, Budget
from moorage.http.errors import BodyInvalid, MethodNotAllowed, ParameterInvalid, quoted
from moorage.near import did_you_mean

MAX_BODY = 64 * 1024
_held = Budget(MAX_HELD_OF_STRANGERS)  # Some bodies are read before the caller is known.

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


class Authenticate(Protocol):
    """Authenticates a request and counts it.

    The caller needs the scope, and every route names one. `parameters` are the query parameters that the route knows;
    all others are refused. Raises KeyInvalid, RateLimited, ScopeMissing, ParameterInvalid.
    """

    async def __call__(self, request: Request, scope: str, *parameters: str) -> Principal: ...


def route(path: str, **endpoints: Endpoint) -> Route:
    """A path with an endpoint for each method. Other methods are refused, with a list of the right ones."""
    allow = ", ".join(sorted({*endpoints, *({"HEAD"} if "GET" in endpoints else ())}))

    async def dispatch(request: Request) -> Response:
        endpoint = endpoints.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            raise MethodNotAllowed(f"{request.method} is not possible here.", allow=allow)
        return await endpoint(request)

    return any_method(path, dispatch)


def any_method(path: str, endpoint: Endpoint) -> Route:
    route = Route(path, endpoint)
    route.methods = None  # Otherwise Starlette answers other methods itself, in a shape of its own.
    return route


def json_response(document: Any, status: int = 200) -> Response:
    headers = {"x-content-type-options": "nosniff"}
    return Response(msgspec.json.encode(document), status, headers, media_type="application/json")


async def body_of(request: Request, limit: int = MAX_BODY, budget: Budget = _held) -> bytes:
    """The whole body. Raises BodyTooLarge and TooBusy."""
    body = Body(Allowance(limit, budget))
    async for part in request.stream():
        body.add(part)
    return body.whole()


async def json_object(
    request: Request, example: str, *, known: Collection[str], optional: bool = False, limit: int = MAX_BODY
) -> dict[str, Any]:
    """The body as a JSON object of `known` keys; an empty one if it is `optional` and there is none.

    Raises BodyInvalid, also for an unknown key: to ignore it would not do what the caller wants.
    """
    body = await body_of(request, limit)
    if optional and not body:
        return {}
    try:
        document = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        raise BodyInvalid("The body is not JSON.", help=f"Send an object such as {example}.") from None
    if not isinstance(document, dict):
        raise BodyInvalid("The body is not a JSON object.", help=f"Send an object such as {example}.")
    for key in document:
        if key not in known:
            raise BodyInvalid(
                f"The body has a key {quoted(key)}, which this call does not know.{did_you_mean(key, known)}",
                help=f"{_taken(known)} Send an object such as {example}." if known else _taken(known),
            )
    return document


def require_known_parameters(request: Request, known: Collection[str]) -> None:
    """Raises ParameterInvalid, which names the first parameter that the call does not know."""
    for name in request.query_params:
        if name not in known:
            raise ParameterInvalid(
                f"This call has no parameter {quoted(name)}.{did_you_mean(name, known)}", help=_taken(known)
            )


def _taken(names: Collection[str]) -> str:
    if not names:
        return "It takes none."
    *most, last = names
    return f"It takes {', '.join(most)} and {last}." if most else f"It takes {last}."
