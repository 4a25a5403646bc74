"""The client itself: a key, an address, and the calls one can make."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self, cast
from urllib.parse import quote

from moorage.client.call import Params, build_call, check_api_key, parse_base_url
from moorage.client.connection import Connection, Default, Revocation
from moorage.client.key import Key
from moorage.client.organisation import Organisation
from moorage.client.response import Response, raise_for_status
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
        self.keys = Keys(self)
        self.organisations = Organisations(self)

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
    ) -> Response:
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
        response = self._client.request("GET", "/connections", params=given)
        return cast("list[Connection]", response.json()["connections"])

    def get(self, connection_id: str) -> Connection:
        response = self._client.request("GET", _path_of(connection_id))
        return cast("Connection", response.json()["connection"])

    def create(self, app: str, *, embedded: bool = False, organisation: str | None = None) -> Connection:
        """A PENDING connection; a person authorises it at its `url`, which offers the embedded CRM with `embedded`.

        With an `organisation` of the embedded CRM it is ACTIVE at once.
        """
        body: dict[str, Any] = {"app": app}
        if embedded:
            body["embedded"] = True
        if organisation is not None:
            body["organisation"] = organisation
        response = self._client.request("POST", "/connections", json=body)
        return cast("Connection", response.json()["connection"])

    def default(self, app: str) -> Default:
        """Which connection calls of an app go through that name none."""
        return _default(self._client.request("GET", _default_path(app)))

    def use(self, connection_id: str) -> Default:
        """Let calls of its app that name no connection go through that one."""
        app = self.get(connection_id)["app"]
        body = {"connection_id": connection_id}
        return _default(self._client.request("PUT", _default_path(app), json=body))

    def use_none(self, app: str) -> Default:
        """Forget what was chosen for an app."""
        return _default(self._client.request("DELETE", _default_path(app)))

    def delete(self, connection_id: str) -> Revocation:
        """The connection and its tokens are gone for good; gives what became of the tokens at the app."""
        response = self._client.request("DELETE", _path_of(connection_id))
        return cast("Revocation", response.json()["revocation"])


class Organisations:
    """The embedded CRM's organisations. Every call raises ApiError, Unreachable."""

    def __init__(self, client: Moorage) -> None:
        self._client = client

    def list(self) -> list[Organisation]:
        found = self._client.request("GET", "/organisations").json()
        return cast("list[Organisation]", found["organisations"])

    def get(self, slug: str) -> Organisation:
        return _organisation(self._client.request("GET", _of(slug)))

    def create(self, slug: str, **wanted: Any) -> Organisation:
        """`wanted` may have `name`, `time_zone`, `data_centre`, `sample` and `unique` (docs/api.md)."""
        return _organisation(self._client.request("POST", "/organisations", json={"slug": slug, **wanted}))

    def delete(self, slug: str) -> None:
        self._client.request("DELETE", _of(slug))

    def reset(self, slug: str) -> Organisation:
        """Put it back to how it was made."""
        return _organisation(self._client.request("POST", f"{_of(slug)}/reset"))

    def seed(self, slug: str, records: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[str]]:
        """Insert records, by module; gives their ids. Nothing is kept of a seed that is refused."""
        response = self._client.request("POST", f"{_of(slug)}/seed", json={"records": records})
        return cast("dict[str, Sequence[str]]", response.json()["ids"])

    def snapshots(self, slug: str) -> Sequence[str]:
        """The names of those that are kept."""
        found = self._client.request("GET", f"{_of(slug)}/snapshots").json()["snapshots"]
        return [one["name"] for one in found]

    def snapshot(self, slug: str, name: str) -> None:
        """Keep it as it is now, by a name."""
        self._client.request("POST", f"{_of(slug)}/snapshots", json={"name": name})

    def forget_snapshot(self, slug: str, name: str) -> None:
        self._client.request("DELETE", f"{_of(slug)}/snapshots/{quote(name, safe='')}")

    def restore(self, slug: str, name: str) -> Organisation:
        """Put it back to what a snapshot holds."""
        response = self._client.request("POST", f"{_of(slug)}/restore", json={"snapshot": name})
        return _organisation(response)


class Keys:
    """The account's API keys. Every call raises ApiError, Unreachable."""

    def __init__(self, client: Moorage) -> None:
        self._client = client

    def list(self) -> list[Key]:
        return cast("list[Key]", self._client.request("GET", "/keys").json()["keys"])

    def create(
        self,
        name: str,
        *,
        scopes: Sequence[str] | None = None,
        mode: str | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[Key, str]:
        """A new key and its secret, which is shown this once. What isn't given is as the calling key has it."""
        given = {
            "scopes": None if scopes is None else list(scopes),
            "mode": mode,
            "expires_at": None if expires_at is None else expires_at.isoformat(),
        }
        body = {"name": name} | {key: value for key, value in given.items() if value is not None}
        return _key_and_secret(self._client.request("POST", "/keys", json=body))

    def rotate(self, key_id: str, *, overlap_seconds: int | None = None) -> tuple[Key, str]:
        """The key and a new secret, which is shown this once; the old one works until the overlap ends."""
        body = {} if overlap_seconds is None else {"overlap_seconds": overlap_seconds}
        path = f"/keys/{quote(key_id, safe='')}/rotate"
        return _key_and_secret(self._client.request("POST", path, json=body))

    def revoke(self, key_id: str) -> Key:
        """The key stops working within a second."""
        response = self._client.request("DELETE", f"/keys/{quote(key_id, safe='')}")
        return cast("Key", response.json()["key"])


def _key_and_secret(response: Response) -> tuple[Key, str]:
    document = response.json()
    return cast("Key", document["key"]), document["secret"]


def _default(response: Response) -> Default:
    return cast("Default", response.json()["default"])


def _default_path(app: str) -> str:
    return f"/apps/{quote(app, safe='')}/default"


def _organisation(response: Response) -> Organisation:
    return cast("Organisation", response.json()["organisation"])


def _of(slug: str) -> str:
    return f"/organisations/{quote(slug, safe='')}"


def _path_of(connection_id: str) -> str:
    return f"/connections/{quote(connection_id, safe='')}"
