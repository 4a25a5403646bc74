"""The paths of the console. Its code is loaded at the first request of a browser."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from moorage.errors import MoorageError
from moorage.http.control import any_method
from moorage.http.message import Response as Plain
from moorage.web.leading import is_for_people
from moorage.web.pages import Pages, html_headers, named_headers


class Site(ABC):
    """Answers all requests below `/console`."""

    @abstractmethod
    async def answer(self, request: Request) -> Response: ...


def routes(make: Callable[[], Site]) -> list[Route]:
    """`make` is called at the first request, in a thread, as it loads the pages."""
    site: asyncio.Future[Site] | None = None

    async def answer(request: Request) -> Response:
        nonlocal site
        if site is None or (site.done() and site.exception() is not None):
            site = asyncio.ensure_future(asyncio.to_thread(make))
        return await (await asyncio.shield(site)).answer(request)

    return [any_method("/console", answer), any_method("/console/{rest:path}", answer)]


def error_page(scope: Scope, error: MoorageError) -> Plain | None:
    """The error as a page, if a browser has asked for one of the console that could not be made. None for others."""
    if scope["path"].split("/")[1] != "console" or not is_for_people(scope):
        return None
    html = Pages("moorage.console", "Moorage").render("broken.html", message=error.message, help=error.help)
    return Plain(0, html, html_headers())


def to_console() -> Response:
    return RedirectResponse("./console", 303, named_headers())
