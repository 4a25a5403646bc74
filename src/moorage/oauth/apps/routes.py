"""`GET /apps`: lists the apps, and how each can be connected."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http.control import Authenticate, json_response, route
from moorage.oauth.apps.destinations import Destinations
from moorage.oauth.apps.model import Provider
from moorage.oauth.apps.providers import Providers


def routes(providers: Providers, destinations: Destinations, authenticate: Authenticate) -> list[Route]:
    async def list_(request: Request) -> Response:
        await authenticate(request, "connections:read")
        apps = [providers.get(name) for name in sorted(providers.names)]
        return json_response({"apps": [await _document(app, destinations) for app in apps]})

    return [route("/apps", GET=list_)]


async def _document(app: Provider, destinations: Destinations) -> dict[str, Any]:
    choices = await destinations.choices(app)
    return {
        "app": app.name,
        "title": app.title,
        "method": app.method,
        "scopes": app.scopes,
        "data_centres": list(app.data_centres),
        "environments": app.environments,
        # True if a connection can be connected now: to any destination, to the embedded CRM, to an account outside.
        "connectable": bool(choices),
        "embedded": any(choice.embedded for choice in choices),
        "outside": any(not choice.embedded for choice in choices),
        "client": app.client_name if app.signs_in else None,
        "callback_url": destinations.callback if app.signs_in else None,
        "check": None if app.token_check is None else app.token_check.path,
    }
