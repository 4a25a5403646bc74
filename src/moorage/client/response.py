"""A response, and the error that it becomes if it reports a failure."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from moorage.client.errors import ApiError


class Response(msgspec.Struct, frozen=True):
    """`headers` holds the headers in the order of the response, with names in lower case. `body` is as it arrived."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header with this name, in any case; None if there is none."""
        lower_name = name.lower()
        return next((value for key, value in self.headers if key == lower_name), None)

    def json(self) -> Any:
        """The body, decoded from JSON; None if it is empty, as with status 204. Raises ValueError if it isn't JSON."""
        return json.loads(self.body) if self.body else None


def raise_for_status(response: Response) -> Response:
    """Return the response if its status is below 400; otherwise raise ApiError."""
    if response.status < 400:
        return response
    code, message, detail = _explanation(_json_or_none(response))
    raise ApiError(
        response.status,
        code=code,
        message=message,
        detail=detail,
        request_id=response.header("x-request-id"),
        response=response,
    )


def _json_or_none(response: Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _explanation(body: Any) -> tuple[str | None, str | None, Any]:
    """(code, message, detail) of an error in Moorage's shape or in Zoho's, which may stand in the list `data`."""
    if not isinstance(body, Mapping):
        return None, None, None
    error = body.get("error")
    if isinstance(error, Mapping):
        message = error.get("message") or body.get("message")
        return _text(error.get("code")), _text(message), body.get("detail")
    if isinstance(body.get("data"), list) and body["data"]:
        return _explanation(body["data"][0])
    detail = body.get("details", body.get("detail"))
    return _text(body.get("code") or error), _text(body.get("message")), detail


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
