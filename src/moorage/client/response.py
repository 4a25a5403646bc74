"""A response as a plain value, and the error that a failed one stands for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moorage.client.errors import ApiError


@dataclass(frozen=True, slots=True)
class Response:
    """`headers` has lower-case names, in the order they came; `body` is exactly what arrived."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), None)

    def json(self) -> Any:
        """The body as JSON; None if it is empty, as in a 204. Raises ValueError if it isn't JSON."""
        return json.loads(self.body) if self.body else None


def raise_for_status(response: Response) -> Response:
    """The same response. Raises ApiError if its status is 400 or above."""
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
    """(code, message, detail) of Moorage's error shape, or of Zoho's, bare or per record."""
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
