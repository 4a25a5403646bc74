"""What all pages of people have in common: the frame, and errors."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from moorage.errors import MoorageError
from moorage.http.message import Response as Plain
from moorage.people.sessions import PersonSessions
from moorage.web.pages import Pages, named_headers

_PAGES = Pages("moorage.people", "Moorage")
_HEADERS = named_headers()
_FIRST = frozenset({"sign-in", "sign-out", "welcome", "enter", "me"})


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
