"""`/oauth/v2/token` and `/oauth/v2/token/revoke`, as Zoho's accounts server answers them.

Zoho answers most token errors with status 200 and `{"error": code}`; clients look for the missing access token.
"""

import re
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from moorage.crm.accounts.errors import GrantTypeUnsupported, RefreshTokenUnknown, TokenRefused
from moorage.crm.accounts.service import ACCESS_LIFETIME, Accounts
from moorage.crm.call import answer
from moorage.http.message import Request, Response

MAX_BODY = 64 * 1024


def token_endpoint(accounts: Accounts, request: Request, *, api_domain: str) -> Response:
    """Grant an access token for a refresh token. `api_domain` is the base URL the client is to call."""
    if request.method != "POST":
        return answer({"error": "invalid_request", "error_description": "Send a POST request."}, 405)
    given = form(request)
    try:
        return answer(_granted(accounts, given, api_domain))
    except TokenRefused as refused:
        return answer({"error": refused.error})


def _granted(accounts: Accounts, given: dict[str, str], api_domain: str) -> dict[str, Any]:
    grant_type = given.get("grant_type")
    if grant_type == "authorization_code":
        raise RefreshTokenUnknown  # No code is ever live here, so this one is spent, expired or made up.
    if grant_type != "refresh_token":
        raise GrantTypeUnsupported
    issued = accounts.refresh(
        given.get("client_id", ""), given.get("client_secret", ""), given.get("refresh_token", "")
    )
    return {
        "access_token": issued.access_token,
        "scope": str(issued.scopes),
        "api_domain": api_domain,
        "token_type": "Bearer",
        "expires_in": ACCESS_LIFETIME,
    }


def revoke_endpoint(accounts: Accounts, request: Request) -> Response:
    """Make the token of the form or the query worthless; with a refresh token go its access tokens."""
    if request.method != "POST":
        return answer({"error": "invalid_request", "error_description": "Send a POST request."}, 405)
    token = form(request).get("token")
    if not token or not accounts.revoke(token):
        return answer({"status": "failure", "error": "invalid_token"}, 400)
    return answer({"status": "success"})


def form(request: Request) -> dict[str, str]:
    """The parameters of the body and the query, the body's first. Anything that is no form gives none."""
    found = dict(_pairs(request.query))
    body = request.body[:MAX_BODY]
    content_type = request.header(b"content-type") or ""
    found.update(_multipart(content_type, body) if "multipart/" in content_type.lower() else _pairs(body))
    return found


def _pairs(text: bytes) -> list[tuple[str, str]]:
    return parse_qsl(text.decode("utf-8", "replace"), keep_blank_values=True)


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    header = re.sub(r"[\r\n]", " ", content_type).encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + header + b"\r\n\r\n" + body)
    fields = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = content.decode("utf-8", "replace").strip("\r\n")
    return fields
