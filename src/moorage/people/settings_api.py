"""`GET /settings`: the settings of the server, for people who run it."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http.control import json_response, route
from moorage.people.persons import Persons
from moorage.settings import Settings
from moorage.settings.shown import shown


def routes(settings: Callable[[], Settings], persons: Persons) -> list[Route]:
    """`settings` gives those that count now: a reload may have changed them."""

    async def get(request: Request) -> Response:
        await persons(request, "settings:read")
        present = settings()
        file = None if present.file is None else str(present.file)
        return json_response({"file": file, "settings": shown(present)})

    return [route("/settings", GET=get)]
