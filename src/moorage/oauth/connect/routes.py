"""The pages a person opens to connect. Plain HTML: they work without scripts, and forbid them."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from moorage.errors import MoorageError
from moorage.http import forms
from moorage.http.message import Response as Plain
from moorage.http.own_forms import is_vouched_for, objection
from moorage.http.requests import body_of, route
from moorage.oauth import CALLBACK
from moorage.oauth.connect.attempts import form_token_of, is_form_token, new_random
from moorage.oauth.connect.service import Brought, Connect, Connected
from moorage.oauth.errors import ConnectRefused

if TYPE_CHECKING:
    from jinja2 import Environment, Template

PATH = "/connect/"
COOKIE_SECONDS = 1800

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
    cookie, host = _Cookie(public_url), urlsplit(public_url).netloc

    def done(connected: Connected) -> Response:
        on_change()
        return _page("done.html", provider=connected.provider, metadata=connected.metadata)

    async def ask(request: Request) -> Response:
        token = forms.fields(request.scope["query_string"]).get("session_token", "")
        asked, browser = await connect.ask(token), cookie.of(request) or new_random()
        answer = _page(
            "ask.html", asked=asked, session_token=token, form_token=form_token_of(browser), host=host
        )
        # Given anew with each page, so that the form of one that was just loaded has its whole time.
        cookie.put(answer, browser)
        return answer

    async def go_on(request: Request) -> Response:
        pairs = await _own_form(request, public_url, cookie)
        given = dict(pairs)
        token, place, environment = (
            given.get(name, "") for name in ("session_token", "place", "environment")
        )
        if "key" in given:
            return done(await connect.paste(token, place, given["key"]))
        browser = cookie.of(request) or new_random()
        scopes = [value for name, value in pairs if name == "scope"]
        url = await connect.begin(
            token,
            place=place,
            environment=environment,
            scopes=scopes,
            browser=browser,
            reads_only=given.get("access") == "read",
        )
        answer = RedirectResponse(url, 303, HEADERS)
        cookie.put(answer, browser)
        return answer

    async def come_back(request: Request) -> Response:
        query = forms.fields(request.scope["query_string"])
        if request.method == "HEAD":  # Whoever only looks must not spend the code.
            return _page("failed.html", message="Nothing was connected.", help="", again=None)
        return done(await connect.finish(_brought(query), cookie.of(request)))

    return [route(PATH, GET=ask, POST=go_on), route(CALLBACK, GET=come_back)]


def _brought(query: Mapping[str, str]) -> Brought:
    return Brought(
        query.get("state", ""),
        query.get("code") or None,
        query.get("error") or None,
        query.get("location") or None,
        {name: query[name] for name in ("accounts-server", "iss") if query.get(name)},
    )


class _Cookie:
    """By which the browser that comes back is known to be the one that was sent away."""

    def __init__(self, public_url: str) -> None:
        address = urlsplit(public_url)
        self._secure = address.scheme == "https"
        # With this prefix, browsers let no other site and no unencrypted answer set it.
        self._form = forms.Cookie("__Host-moorage-connect" if self._secure else "moorage-connect")
        # Cookies know no ports: without a path every other server on this machine would be sent it.
        self._path = "/" if self._secure else quote(f"{address.path}{PATH}", safe="/%")

    def of(self, request: Request) -> str | None:
        return self._form.of(request.headers.get("cookie"))

    def put(self, answer: Response, browser: str) -> None:
        # Lax, as the person comes back from another site by a plain navigation.
        answer.set_cookie(
            self._form.name,
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


async def _own_form(request: Request, public_url: str, cookie: _Cookie) -> list[tuple[str, str]]:
    """The fields of a form that our page sent. Raises ConnectRefused for any other, and BodyTooLarge."""
    again = "Open the connection's url and begin there."
    against = objection(request.headers.get, public_url)
    if against is not None:
        raise ConnectRefused(against, help=again)
    content_type = request.headers.get("content-type")
    pairs = forms.body_pairs(content_type, await body_of(request, forms.MAX_FORM))
    browser, given = cookie.of(request), dict(pairs).get("form_token", "")
    if not is_vouched_for(request.headers.get) and not is_form_token(given, browser):
        raise ConnectRefused(
            "This form was out of date.", help=f"{again} If you read this again, allow this site's cookies."
        )
    return pairs


def _page(template: str, **values: object) -> Response:
    return HTMLResponse(_template(template).render(**values), headers=HEADERS)


def _template(name: str) -> "Template":
    return _pages().get_template(name)


@cache
def _pages() -> "Environment":
    from jinja2 import Environment, PackageLoader, select_autoescape  # noqa: PLC0415 (few servers ever show a page)

    return Environment(loader=PackageLoader("moorage.oauth.connect", "pages"), autoescape=select_autoescape())
