"""What all pages of people have in common: the frame, errors, and pages for somebody who is signed in."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from moorage.errors import MoorageError
from moorage.http.control import Endpoint
from moorage.http.message import Response as Plain
from moorage.people.model import Person
from moorage.people.sessions import PersonSessions
from moorage.web.pages import Pages, named_headers

_PAGES = Pages("moorage.people", "Moorage")
_HEADERS = named_headers()
_FIRST = frozenset({"sign-in", "sign-out", "welcome", "enter", "me"})

# Answers the request of a person who is signed in.
PersonEndpoint: TypeAlias = Callable[[Request, Person], Awaitable[Response]]


def page(template: str, status: int = 200, **values: object) -> Response:
    return HTMLResponse(_PAGES.render(template, **values), status, _HEADERS)


def page_for_unknown(
    sessions: PersonSessions, request: Request, template: str, status: int, **values: object
) -> Response:
    """A page whose form works in this browser, in which nobody is signed in yet."""
    browser, form_token = sessions.unknown(request)
    answer = page(template, status, form_token=form_token, **values)
    sessions.put(answer, browser)
    return answer


def error_page(scope: Scope, error: MoorageError) -> Plain | None:
    """The error as a page, if it is an error of these pages. None for other paths and for the API: these get JSON."""
    first, *rest = scope["path"].removeprefix("/").split("/")
    if first not in _FIRST or any(name == b"authorization" for name, _ in scope["headers"]):
        return None
    back = f"{'../' * len(rest) or './'}me"
    return _PAGES.failed(error, back=back)


def signed_in(sessions: PersonSessions, endpoint: PersonEndpoint, back: str | None = None) -> Endpoint:
    """The endpoint for whoever is signed in. Others are sent to sign in, and come back to this page, or to `back`."""

    async def answer(request: Request) -> Response:
        person = await sessions.person(request)
        return sessions.to_sign_in(request, back) if person is None else await endpoint(request, person)

    return answer
