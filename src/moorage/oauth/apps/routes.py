"""`GET /apps`: what can be connected here, and how."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http.control import Authenticate, json_response, route
from moorage.oauth.apps.destinations import Places
from moorage.oauth.apps.providers import Provider, Providers


def routes(providers: Providers, places: Places, authenticate: Authenticate) -> list[Route]:
    async def list_(request: Request) -> Response:
        await authenticate(request, "connections:read")
        apps = [providers.get(name) for name in sorted(providers.names)]
        return json_response({"apps": [await _document(app, places) for app in apps]})

    return [route("/apps", GET=list_)]


async def _document(app: Provider, places: Places) -> dict[str, Any]:
    choices = await places.choices(app)
    return {
        "app": app.name,
        "title": app.title,
        "method": app.method,
        "scopes": app.scopes,
        "data_centres": list(app.data_centres),
        "environments": app.environments,
        # Whether a connection can be connected now, and where: outside, and to the embedded CRM.
        "connectable": bool(choices),
        "embedded": any(choice.embedded for choice in choices),
        "outside": any(not choice.embedded for choice in choices),
        "client": app.client_name if app.signs_in else None,
        "callback_url": places.callback if app.signs_in else None,
    }
