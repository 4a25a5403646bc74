"""The page a person opens to connect. Plain HTML: it works without scripts, and forbids them."""

from collections.abc import Callable
from urllib.parse import parse_qsl

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from moorage.errors import MoorageError
from moorage.http.message import Response as Plain
from moorage.http.requests import body_of, route
from moorage.oauth.connect import Connect

PATH = "/connect/"
_pages = Environment(loader=PackageLoader("moorage.oauth", "pages"), autoescape=select_autoescape())

# The address holds a session token, so nothing else may learn it, and no other site may frame the button.
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def routes(connect: Connect, on_change: Callable[[], None]) -> list[Route]:
    """`on_change` is called once a connection leads somewhere else than before."""

    async def ask(request: Request) -> Response:
        token = request.query_params.get("session_token", "")
        _, provider, organisations = await connect.begin(token)
        return _page("ask.html", provider=provider, organisations=organisations, session_token=token)

    async def finish(request: Request) -> Response:
        body = await body_of(request, 64 * 1024)
        given = dict(parse_qsl(body.decode("utf-8", "replace")))
        chosen = await connect.finish(given.get("session_token", ""), given.get("organisation", ""))
        on_change()
        return _page("done.html", organisation=chosen)

    return [route(PATH, GET=ask, POST=finish)]


def error_page(scope: Scope, error: MoorageError) -> Plain | None:
    """An error of this page as a page; None for every other path, whose errors are JSON."""
    if scope["path"] != PATH:
        return None
    html = _pages.get_template("failed.html").render(message=error.message, help=error.help or "")
    headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    return Plain(0, html.encode(), [(b"content-type", b"text/html; charset=utf-8"), *headers])


def _page(template: str, **values: object) -> Response:
    return HTMLResponse(_pages.get_template(template).render(**values), headers=HEADERS)
