"""`POST /connections/import`: brings in tokens that were obtained elsewhere."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.connections.labels import NO_LABELS
from moorage.connections.reading import LABELS, change_in, require_app, text_in
from moorage.connections.service import Connections
from moorage.http.control import Authenticate, json_object, json_response, route
from moorage.http.errors import BodyInvalid
from moorage.oauth.connect.importing import Brought, Importing
from moorage.oauth.model import is_visible

LONGEST_TOKEN = 4096
LONGEST_LIFETIME = 10 * 366 * 24 * 3600
_EXAMPLE = '{"app": "zoho-crm", "data_centre": "eu", "refresh_token": "1000.…"}'
_TOKENS = ("refresh_token", "access_token")
_KNOWN = ("app", *_TOKENS, "expires_in", "data_centre", "environment", "organisation", *LABELS)


def routes(
    importing: Importing,
    connections: Connections,
    authenticate: Authenticate,
    apps: Callable[[], Mapping[str, str]],
    on_change: Callable[[], None],
) -> list[Route]:
    """The route of the import. `apps` has the known apps. `on_change` is called after a connection was made."""

    async def import_(request: Request) -> Response:
        caller = await authenticate(request, "connections:write")
        body = await json_object(request, _EXAMPLE, known=_KNOWN)
        brought, labels = _brought(body, apps()), change_in(body)(NO_LABELS)
        caller.require_app(brought.app)
        if brought.organisation is None:
            caller.require_live("bring in tokens of an account outside the embedded CRM")
        connection = await importing.import_tokens(
            caller.account_id, brought, asked_by=caller.name, labels=labels
        )
        on_change()
        [document] = await connections.documents([connection], reach=caller.reach, with_url=True)
        return json_response({"connection": document})

    return [route("/connections/import", POST=import_)]


def _brought(body: Mapping[str, Any], apps: Mapping[str, str]) -> Brought:
    app = text_in(body, "app")
    if app is None:
        raise BodyInvalid("The body has no app that is a text.", help=f"Send {_EXAMPLE}.")
    require_app(app, apps)
    tokens = {name: _token(body, name) for name in _TOKENS}
    if not any(tokens.values()):
        raise BodyInvalid("The body has no token.", help=f"Send {_EXAMPLE}, or an access_token.")
    organisation, data_centre = text_in(body, "organisation"), text_in(body, "data_centre")
    if organisation is not None and (data_centre is not None or "environment" in body):
        raise BodyInvalid(
            "An organisation of the embedded CRM has no data_centre and no environment.",
            help="Leave organisation out for an account outside.",
        )
    return Brought(
        app,
        **tokens,
        expires_in=_lifetime(body),
        data_centre=data_centre,
        environment=text_in(body, "environment") or "production",
        organisation=organisation,
    )


def _token(body: Mapping[str, Any], name: str) -> str | None:
    """The token in a body; None if there is none. The error never quotes it."""
    token = text_in(body, name)
    if token is not None and not (is_visible(token) and len(token) <= LONGEST_TOKEN):
        raise BodyInvalid(
            f"{name} has to be one word of up to {LONGEST_TOKEN} visible characters of ASCII.",
            help="Copy the whole token, and nothing else.",
        )
    return token


def _lifetime(body: Mapping[str, Any]) -> int | None:
    seconds = body.get("expires_in")
    if seconds is None:
        return None
    if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds <= LONGEST_LIFETIME:
        return seconds
    raise BodyInvalid(
        f"expires_in has to be a whole number of seconds from 1 to {LONGEST_LIFETIME}.",
        help="It says when the access_token ends. Leave it out if you don't know.",
    )
