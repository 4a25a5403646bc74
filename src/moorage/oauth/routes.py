"""The pages a person opens to connect. Plain HTML: they work without scripts, and forbid them."""

from collections.abc import Callable
from functools import cache
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from moorage.errors import MoorageError
from moorage.http.message import Response as Plain
from moorage.http.requests import body_of, route
from moorage.oauth.attempts import is_random, new_random
from moorage.oauth.connect import Brought, Connect, Connected
from moorage.oauth.errors import ConnectRefused

if TYPE_CHECKING:
    from jinja2 import Environment, Template

PATH = "/connect/"
CALLBACK = "/connect/callback"
COOKIE_SECONDS = 1800
MAX_FORM = 64 * 1024

# The address holds a session token or a code, so nothing else may learn it, and no other site may frame the button.
# Browsers hold a form to `form-action` even where its answer sends them on, as this one does: to an accounts server.
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http: https:; "
    "frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def routes(connect: Connect, public_url: str, on_change: Callable[[], None]) -> list[Route]:
    """`on_change` is called once a connection leads somewhere else than before."""
    cookie = _Cookie(public_url)

    def done(connected: Connected) -> Response:
        on_change()
        return _page("done.html", provider=connected.provider, metadata=connected.metadata)

    async def ask(request: Request) -> Response:
        token = request.query_params.get("session_token", "")
        return _page("ask.html", asked=await connect.ask(token), session_token=token)

    async def go_on(request: Request) -> Response:
        _require_own_form(request)
        pairs = parse_qsl((await body_of(request, MAX_FORM)).decode("utf-8", "replace"))
        given = dict(pairs)
        token, place, environment = (
            given.get(name, "") for name in ("session_token", "place", "environment")
        )
        if "key" in given:
            return done(await connect.paste(token, place, given["key"]))
        browser = cookie.of(request) or new_random()
        scopes = [value for name, value in pairs if name == "scope"]
        url = await connect.begin(token, place=place, environment=environment, scopes=scopes, browser=browser)
        answer = RedirectResponse(url, 303, HEADERS)
        cookie.put(answer, browser)
        return answer

    async def come_back(request: Request) -> Response:
        query = request.query_params
        if request.method == "HEAD":  # Whoever only looks must not spend the code.
            return _page("failed.html", message="Nothing was connected.", help="", again=None)
        servers = {name: query[name] for name in ("accounts-server", "iss") if query.get(name)}
        brought = Brought(
            query.get("state", ""),
            query.get("code") or None,
            query.get("error") or None,
            query.get("location") or None,
            servers,
        )
        return done(await connect.finish(brought, cookie.of(request)))

    return [route(PATH, GET=ask, POST=go_on), route(CALLBACK, GET=come_back)]


class _Cookie:
    """By which the browser that comes back is known to be the one that was sent away."""

    def __init__(self, public_url: str) -> None:
        address = urlsplit(public_url)
        self._secure = address.scheme == "https"
        # With this prefix, browsers let no other site and no unencrypted answer set it.
        self._name = "__Host-moorage-connect" if self._secure else "moorage-connect"
        # Cookies know no ports: without a path every other server on this machine would be sent it.
        self._path = "/" if self._secure else quote(f"{address.path}{PATH}", safe="/%")

    def of(self, request: Request) -> str | None:
        try:
            found = SimpleCookie(request.headers.get("cookie", "")).get(self._name)
        except CookieError:
            return None
        return found.value if found is not None and is_random(found.value) else None

    def put(self, answer: Response, browser: str) -> None:
        # Lax, as the person comes back from another site by a plain navigation.
        answer.set_cookie(
            self._name,
            browser,
            max_age=COOKIE_SECONDS,
            path=self._path,
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )


def error_page(scope: Scope, error: MoorageError) -> Plain | None:
    """An error of these pages as a page; None for every other path, whose errors are JSON."""
    if scope["path"] not in {PATH, CALLBACK}:
        return None
    again = getattr(error, "again", None)
    html = _template("failed.html").render(message=error.message, help=error.help or "", again=again)
    headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    return Plain(0, html.encode(), [(b"content-type", b"text/html; charset=utf-8"), *headers])


def _require_own_form(request: Request) -> None:
    """Raises ConnectRefused when the browser says that another site sent the form."""
    if request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        raise ConnectRefused(
            "Another site sent this form.", help="Open the connection's url and begin there."
        )


def _page(template: str, **values: object) -> Response:
    return HTMLResponse(_template(template).render(**values), headers=HEADERS)


def _template(name: str) -> "Template":
    return _pages().get_template(name)


@cache
def _pages() -> "Environment":
    from jinja2 import Environment, PackageLoader, select_autoescape  # noqa: PLC0415 (few servers ever show a page)

    return Environment(loader=PackageLoader("moorage.oauth", "pages"), autoescape=select_autoescape())
