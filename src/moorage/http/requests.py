"""What every route of the control API needs of a request: its caller, its JSON body, its limits."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http.caller import Caller
from moorage.http.errors import BodyInvalid, BodyTooLarge, MethodNotAllowed

MAX_BODY = 1024 * 1024

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

# Tells who makes a request, and counts it; the scope says what the caller has to be allowed, and no route goes
# without one. Raises KeyInvalid, RateLimited and ScopeMissing.
Authenticate = Callable[[Request, str], Awaitable[Caller]]


def route(path: str, **endpoints: Endpoint) -> Route:
    """A path and its endpoint for each method; other methods are told which would be right."""
    allow = ", ".join(sorted({*endpoints, *({"HEAD"} if "GET" in endpoints else ())}))

    async def dispatch(request: Request) -> Response:
        endpoint = endpoints.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            raise MethodNotAllowed(f"{request.method} is not possible here.", allow=allow)
        return await endpoint(request)

    return any_method(path, dispatch)


def any_method(path: str, endpoint: Endpoint) -> Route:
    made = Route(path, endpoint)
    made.methods = None  # Otherwise Starlette answers other methods itself, in a shape of its own.
    return made


def answer(document: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")


async def body_of(request: Request, limit: int = MAX_BODY) -> bytes:
    """The whole body. Raises BodyTooLarge."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise BodyTooLarge(f"The body is larger than {limit} bytes.", help="Send a smaller one.")
        parts.append(part)
    return b"".join(parts)


async def json_object(request: Request, example: str, *, optional: bool = False) -> dict[str, Any]:
    """The body as a JSON object; an empty one if it is `optional` and there is none. Raises BodyInvalid."""
    body = await body_of(request)
    if optional and not body:
        return {}
    try:
        document = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        raise BodyInvalid("The body is not JSON.", help=f"Send an object such as {example}.") from None
    if not isinstance(document, dict):
        raise BodyInvalid("The body is not a JSON object.", help=f"Send an object such as {example}.")
    return document
