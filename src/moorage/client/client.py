"""The client itself: a key, an address, and the calls one can make."""

import os
from collections.abc import Mapping
from typing import Any, Self, cast
from urllib.parse import quote

from moorage.client.answer import Answer, raise_for_status
from moorage.client.call import Params, build_call, check_api_key, parse_base_url
from moorage.client.connection import Connection
from moorage.client.transport import Transport

DEFAULT_URL = "http://127.0.0.1:8787"


class Moorage:
    """A gateway seen through one API key. Threads may share it.

    What isn't given is read from MOORAGE_API_KEY and MOORAGE_URL. Raises Misconfigured if there is no key.
    """

    def __init__(
        self, api_key: str | None = None, base_url: str | None = None, *, timeout: float = 60.0
    ) -> None:
        self._api_key = check_api_key(api_key or os.environ.get("MOORAGE_API_KEY"))
        base = parse_base_url(base_url or os.environ.get("MOORAGE_URL") or DEFAULT_URL)
        self._transport = Transport(base, timeout=timeout)
        self.connections = Connections(self)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        connection: str | None = None,
    ) -> Answer:
        """One call to `/{app}/{native path}` or to the control API. Redirects are not followed.

        `connection` picks one of several connections to the app. Raises ApiError, Unreachable.
        """
        call = build_call(
            method,
            path,
            api_key=self._api_key,
            params=params,
            json=json,
            body=body,
            headers=headers,
            connection=connection,
        )
        return raise_for_status(self._transport.send(call))

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Connections:
    """The accounts that a key may act through. Every call raises ApiError, Unreachable."""

    def __init__(self, client: Moorage) -> None:
        self._client = client

    def list(
        self, *, app: str | None = None, status: str | None = None, limit: int | None = None
    ) -> list[Connection]:
        """`status` is ACTIVE, PENDING or FAILED."""
        filters = {"app": app, "status": status, "limit": limit}
        given = {name: value for name, value in filters.items() if value is not None}
        answer = self._client.request("GET", "/connections", params=given)
        return cast("list[Connection]", answer.json()["connections"])

    def get(self, connection_id: str) -> Connection:
        answer = self._client.request("GET", _path_of(connection_id))
        return cast("Connection", answer.json()["connection"])

    def create(self, app: str) -> Connection:
        """A PENDING connection; a person authorises it at its `url`."""
        answer = self._client.request("POST", "/connections", json={"app": app})
        return cast("Connection", answer.json()["connection"])

    def delete(self, connection_id: str) -> None:
        """The connection and its tokens are gone for good."""
        self._client.request("DELETE", _path_of(connection_id))


def _path_of(connection_id: str) -> str:
    return f"/connections/{quote(connection_id, safe='')}"
