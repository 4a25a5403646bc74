"""The paths of the console. Its code is loaded at the first request of a browser."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from moorage.http.control import any_method
from moorage.web.pages import named_headers


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


def to_console() -> Response:
    return RedirectResponse("./console", 303, named_headers())
