"""The HTTP side: metadata, tokens and registration for programs, and pages for people."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.grants import metadata
from moorage.grants.clients import Clients
from moorage.grants.consent import ConsentPage
from moorage.grants.errors import Refused
from moorage.grants.issuing import Issuing
from moorage.grants.programs import Programs
from moorage.grants.resources import PATHS, PROTECTED_RESOURCE, ROOT, Resources
from moorage.http import forms
from moorage.http.control import Endpoint, body_of, json_response, route
from moorage.http.errors import NotFound
from moorage.people.sessions import client_of
from moorage.web.leading import or_console

MAX_METADATA = 16 * 1024


def routes(
    issuing: Issuing, clients: Clients, resources: Resources, consent: ConsentPage, programs: Programs
) -> list[Route]:
    """The routes of programs that sign people in, and of the pages for these people."""
    endpoints = _Endpoints(issuing, clients, resources)
    return [
        *_metadata_routes(endpoints),
        route(metadata.AUTHORIZE, GET=consent.show, POST=consent.decide),
        route(metadata.TOKEN, POST=_refusing(endpoints.token)),
        route(metadata.REVOKE, POST=_refusing(endpoints.revoke)),
        route(metadata.REGISTER, POST=_refusing(endpoints.register)),
        route("/grants", GET=or_console(programs.search)),
        route("/grants/{grant_id}/end", POST=programs.end),
    ]


def _metadata_routes(endpoints: "_Endpoints") -> list[Route]:
    """Each document is at the root of the host, too, as the RFCs want it for a public URL that has a path."""
    prefixes = sorted({"", endpoints.resources.prefix})
    of_resource = [
        route(f"{PROTECTED_RESOURCE}{before}{path}", GET=endpoints.resource_metadata)
        for before in prefixes
        for path in ("", *PATHS)
    ]
    well_known = (metadata.AUTHORIZATION_SERVER, metadata.OPENID)
    of_server = [
        route(f"{path}{before}", GET=endpoints.server_metadata) for before in prefixes for path in well_known
    ]
    return [*of_resource, *of_server]


def _refusing(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with errors in the form of OAuth, and answers that nobody stores."""

    async def answer(request: Request) -> Response:
        try:
            response = await endpoint(request)
        except Refused as refused:
            response = json_response(refused.document(), refused.status)
            if refused.retry_after is not None:
                response.headers["retry-after"] = str(refused.retry_after)
        response.headers["cache-control"] = "no-store"
        return response

    return answer


class _Endpoints(msgspec.Struct, frozen=True):
    issuing: Issuing
    clients: Clients
    resources: Resources

    async def resource_metadata(self, request: Request) -> Response:
        path = str(request.scope["path"]).removeprefix(PROTECTED_RESOURCE)
        prefix = self.resources.prefix
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            path = path.removeprefix(prefix)
        resource = self.resources.at(path or ROOT)
        if resource is None:  # The name of an account that none can have.
            raise NotFound("There is no such resource.", help="Use the address of the MCP server.")
        return json_response(metadata.of_resource(resource, self.resources.public_url))

    async def server_metadata(self, request: Request) -> Response:
        del request
        return json_response(metadata.of_server(self.resources.public_url))

    async def token(self, request: Request) -> Response:
        form = await _form(request)
        client_id, resource = _needed(form, "client_id"), self._resource(form)
        match form.get("grant_type"):
            case "authorization_code":
                code, redirect_uri = _needed(form, "code"), _needed(form, "redirect_uri")
                verifier = _needed(form, "code_verifier")
                issued = await self.issuing.exchange(code, client_id, redirect_uri, verifier, resource)
            case "refresh_token":
                issued = await self.issuing.refresh(_needed(form, "refresh_token"), client_id, resource)
            case _:
                known = "authorization_code and refresh_token"
                raise Refused("unsupported_grant_type", f"grant_type can be {known}.")
        return json_response(issued.document())

    def _resource(self, form: dict[str, str]) -> str | None:
        """The identifier of the resource that the form names, if it does. Raises Refused."""
        named = form.get("resource")
        resource = None if named is None else self.resources.read(named)
        if named is not None and resource is None:
            raise Refused("invalid_target", "This server does not have that resource.")
        return None if resource is None else resource.url

    async def revoke(self, request: Request) -> Response:
        form = await _form(request)
        await self.issuing.revoke(_needed(form, "token"), form.get("client_id"))
        return json_response({})

    async def register(self, request: Request) -> Response:
        try:
            document = msgspec.json.decode(await body_of(request, MAX_METADATA))
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise Refused("invalid_client_metadata", "Send a JSON object with redirect_uris.")
        return json_response(await self.clients.register(document, client_of(request)), 201)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form. Raises Refused for any other body, and BodyTooLarge."""
    content_type = request.headers.get("content-type")
    if not forms.is_form(content_type):
        raise Refused("invalid_request", "Send a form of the type application/x-www-form-urlencoded.")
    pairs = forms.body_pairs(content_type, await body_of(request, forms.MAX_FORM))
    form = dict(pairs)
    if len(form) != len(pairs):
        raise Refused("invalid_request", "The form has a parameter twice.")
    return form


def _needed(form: dict[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise Refused("invalid_request", f"The form has no {name}.")
    return value
