"""Paths that the API and people share: a browser is led from them to the page of the console about the same."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from moorage.http.control import Endpoint
from moorage.web.pages import named_headers


def is_for_people(scope: Scope) -> bool:
    """True for a browser without an API key, which gets pages."""
    named = dict(scope["headers"])
    return b"authorization" not in named and b"text/html" in named.get(b"accept", b"")


def or_console(endpoint: Endpoint) -> Endpoint:
    """The endpoint for programs. A browser goes to the same path below `/console`."""

    async def answer(request: Request) -> Response:
        return to_console(request) if is_for_people(request.scope) else await endpoint(request)

    return answer


def to_console(request: Request) -> Response:
    """Sends a browser from a path to the same path below `/console`."""
    path = request.scope["path"]
    up = "../" * (path.count("/") - 1)
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"./{up}console{quote(path)}{query}", 303, named_headers())
