"""The request with which a program sends a person to the page, read and checked (RFC 6749, 7636, 8707, 9207)."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import quote, urlencode

import msgspec

from moorage.grants import redirects
from moorage.grants.errors import AuthorizationInvalid
from moorage.grants.model import Client
from moorage.grants.resources import Resource, Resources

LONGEST = 2000  # Characters of the request, as each page passes it on.
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_BEGIN_AGAIN = "Begin again in the program. If this happens again, tell whoever makes it."


class Authorization(msgspec.Struct, frozen=True):
    """A sound request. `redirect_uri` is registered for the client. `query` is the request itself."""

    client: Client
    redirect_uri: str
    resource: Resource
    challenge: str
    state: str | None
    issuer: str
    query: str

    def accepted(self, code: str) -> str:
        """The address to which the browser takes the code."""
        return redirects.with_result(self.redirect_uri, _result({"code": code}, self.state, self.issuer))

    def refused(self, error: str) -> str:
        """The address to which the browser takes an error."""
        return redirects.with_result(self.redirect_uri, _result({"error": error}, self.state, self.issuer))


def query_of(pairs: Sequence[tuple[str, str]]) -> str:
    """The request as a query that passes through other pages unchanged. Raises AuthorizationInvalid."""
    query = urlencode(pairs, quote_via=quote, safe="")
    if len(query) > LONGEST:
        raise AuthorizationInvalid(
            f"The program's request is longer than {LONGEST} characters.", help=_BEGIN_AGAIN
        )
    return query


async def read(
    pairs: Sequence[tuple[str, str]], find: Callable[[str], Awaitable[Client]], resources: Resources
) -> Authorization:
    """Raises AuthorizationInvalid."""
    query, parameters = query_of(pairs), dict(pairs)
    if len(parameters) != len(pairs):
        raise AuthorizationInvalid("The program's request has a parameter twice.", help=_BEGIN_AGAIN)
    client = await find(parameters.get("client_id", ""))
    redirect_uri = parameters.get("redirect_uri", "")
    if not redirects.is_registered(redirect_uri, client.redirect_uris):
        raise AuthorizationInvalid(
            "The program wants you to be sent to an address that is not registered for it.",
            help="Nothing was allowed. Somebody else may have made this link.",
        )
    state, issuer = parameters.get("state"), resources.public_url
    resource = resources.read(parameters.get("resource", ""))
    refusal = _refusal(parameters, resource)
    if refusal is not None or resource is None:
        error, message = refusal or ("invalid_target", "")
        back = redirects.with_result(redirect_uri, _result({"error": error}, state, issuer))
        raise AuthorizationInvalid(message, help=_BEGIN_AGAIN, back=back)
    return Authorization(client, redirect_uri, resource, parameters["code_challenge"], state, issuer, query)


def _refusal(parameters: Mapping[str, str], resource: Resource | None) -> tuple[str, str] | None:
    """The error of OAuth, and a sentence; None if the request is sound."""
    if parameters.get("response_type") != "code":
        return "unsupported_response_type", "The program's request has to say response_type=code."
    if parameters.get("response_mode", "query") != "query":
        return "invalid_request", "The program can get its answer only in a query."
    by_s256 = parameters.get("code_challenge_method") == "S256"
    if not by_s256 or not _CHALLENGE.fullmatch(parameters.get("code_challenge", "")):
        return "invalid_request", "The program's request has no code_challenge of the method S256."
    if "resource" not in parameters:
        return "invalid_target", "The program's request names no resource. The program may be too old."
    if resource is None:
        return "invalid_target", "The program wants to act at an address that this server does not have."
    return None


def _result(result: dict[str, str], state: str | None, issuer: str) -> dict[str, str]:
    return {**result, **({} if state is None else {"state": state}), "iss": issuer}
