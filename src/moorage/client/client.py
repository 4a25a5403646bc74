"""The client: one class for calls, and one for each part of the control API."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Self, cast
from urllib.parse import quote

from moorage.client.approvals import Approvals, as_approval
from moorage.client.audit import Audit
from moorage.client.call import Params, build_call, check_api_key, given, parse_base_url
from moorage.client.connection import Connection, Default, Pruned, Revocation
from moorage.client.errors import ApiError
from moorage.client.key import Key
from moorage.client.ongoing import OngoingCall
from moorage.client.organisation import Organisation
from moorage.client.pages import pages
from moorage.client.policies import Policies, Policy
from moorage.client.requests import Requests
from moorage.client.response import Response, raise_for_status
from moorage.client.transport import Transport

DEFAULT_URL = "http://127.0.0.1:8787"


class Moorage:
    """A client of one gateway with one API key. Threads may share it.

    Without `api_key` it uses MOORAGE_API_KEY; without `base_url`, MOORAGE_URL or `DEFAULT_URL`. `timeout` is in
    seconds. Raises Misconfigured if there is no key, or if the key or the address is not valid.
    """

    def __init__(
        self, api_key: str | None = None, base_url: str | None = None, *, timeout: float = 60.0
    ) -> None:
        self._api_key = check_api_key(api_key or os.environ.get("MOORAGE_API_KEY"))
        base = parse_base_url(base_url or os.environ.get("MOORAGE_URL") or DEFAULT_URL)
        self._transport = Transport(base, timeout=timeout)
        self.audit = Audit(self)
        self.connections = Connections(self)
        self.keys = Keys(self)
        self.policies = Policies(self)
        self.organisations = Organisations(self)
        self.requests = Requests(self)
        self.approvals = Approvals(self)

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
        """Make a call to `/{app}/{native path}` or to the control API. The client does not follow redirects.

        `connection` is the id or the alias of the connection that the call goes through. Raises ApiError, Unreachable,
        and ValueError for arguments that can't be sent; ApprovalRequired, an ApiError, if a person is asked first.
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
        try:
            return raise_for_status(self._transport.send(call))
        except ApiError as error:
            raise as_approval(error, self.approvals) from None

    def stream(self, path: str, query: str, after: int | None) -> Iterator[bytes]:
        """The lines of server-sent events that fit a query. `after` is the id of the last one that was seen."""
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        params = {"q": query} if query else None
        call = build_call("GET", path, api_key=self._api_key, params=params, headers=headers)
        return self._transport.stream(call)

    def ongoing(self, path: str, body: bytes, headers: Mapping[str, str]) -> OngoingCall:
        """A POST that is about to be sent, and whose answer is read as it comes. Raises ValueError, as `request`."""
        call = build_call("POST", path, api_key=self._api_key, body=body, headers=headers)
        return OngoingCall(self._transport, call)

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Connections:
    """The connections that the key may use. Every method raises ApiError, Unreachable.

    A method that takes the `name` of a connection takes its id or its alias.
    """

    def __init__(self, client: Moorage) -> None:
        self._client = client

    def list(
        self,
        *,
        app: str | None = None,
        status: str | None = None,
        environment: str | None = None,
        alias: str | None = None,
        tags: Sequence[str] = (),
        end_user: str | None = None,
        limit: int | None = None,
    ) -> list[Connection]:
        """The connections that match all filters and have all tags, the oldest first.

        `status` is ACTIVE, PENDING or FAILED, and `environment` is embedded, sandbox or live. Without a `limit` they
        are all, of which the server sends 1000 at once.
        """
        filters = given(
            app=app, status=status, environment=environment, alias=alias, end_user=end_user, limit=limit
        )
        params = [*filters.items(), *(("tag", tag) for tag in tags)]

        def page(cursor: str | None) -> Any:
            asked = [*params, *given(cursor=cursor).items()]
            return self._client.request("GET", "/connections", params=asked).json()

        found = pages(page) if limit is None else [page(None)]
        return [connection for part in found for connection in part["connections"]]

    def get(self, name: str) -> Connection:
        return _connection(self._client.request("GET", _connection_path(name)))

    def create(
        self,
        app: str,
        *,
        embedded: bool = False,
        organisation: str | None = None,
        alias: str | None = None,
        tags: Sequence[str] = (),
        end_user: str | None = None,
        return_url: str | None = None,
    ) -> Connection:
        """Create a PENDING connection, which a person authorises at its `url`, and is then sent to `return_url`.

        With `embedded`, the page there also offers the embedded CRM. With an `organisation` of the embedded CRM, the
        connection is ACTIVE at once.
        """
        body: dict[str, Any] = {"app": app}
        if embedded:
            body["embedded"] = True
        if organisation is not None:
            body["organisation"] = organisation
        body |= given(alias=alias, tags=list(tags) or None, end_user=end_user, return_url=return_url)
        return _connection(self._client.request("POST", "/connections", json=body))

    def import_tokens(
        self,
        app: str,
        *,
        refresh_token: str | None = None,
        access_token: str | None = None,
        **options: Any,
    ) -> Connection:
        """Make an ACTIVE connection of tokens that were obtained elsewhere. They are tried before they are kept.

        The options are `expires_in`, `data_centre`, `environment`, `organisation`, `alias`, `tags` and `end_user`
        (docs/api.md).
        """
        body = given(app=app, refresh_token=refresh_token, access_token=access_token, **options)
        return _connection(self._client.request("POST", "/connections/import", json=body))

    def prune(
        self, *, older_than_seconds: int | None = None, app: str | None = None, dry_run: bool = False
    ) -> Pruned:
        """Delete connections that were never connected and have not changed for this time; one day if it is None.

        With `dry_run`, only tell which.
        """
        body = given(older_than_seconds=older_than_seconds, app=app, dry_run=dry_run or None)
        return cast("Pruned", self._client.request("POST", "/connections/prune", json=body).json())

    def label(self, name: str, **labels: Any) -> Connection:
        """Change the `alias`, the `tags` or the `end_user` of a connection. None removes what it has."""
        return _connection(self._client.request("PATCH", _connection_path(name), json=labels))

    def default(self, app: str) -> Default:
        """The connection for calls to this app that name no connection."""
        return _default(self._client.request("GET", _default_path(app)))

    def use(self, name: str) -> Default:
        """Choose this connection for calls to its app that name no connection."""
        connection = self.get(name)
        body = {"connection_id": connection["connection_id"]}
        return _default(self._client.request("PUT", _default_path(connection["app"]), json=body))

    def use_none(self, app: str) -> Default:
        """Undo `use` for an app."""
        return _default(self._client.request("DELETE", _default_path(app)))

    def delete(self, name: str) -> Revocation:
        """Delete the connection and its tokens. The result says whether the app has revoked the tokens."""
        response = self._client.request("DELETE", _connection_path(name))
        return cast("Revocation", response.json()["revocation"])


class Organisations:
    """The embedded CRM's organisations. Every method raises ApiError, Unreachable."""

    def __init__(self, client: Moorage) -> None:
        self._client = client

    def list(self) -> list[Organisation]:
        document = self._client.request("GET", "/organisations").json()
        return cast("list[Organisation]", document["organisations"])

    def get(self, slug: str) -> Organisation:
        return _organisation(self._client.request("GET", _organisation_path(slug)))

    def create(self, slug: str, **options: Any) -> Organisation:
        """The options are `name`, `time_zone`, `data_centre`, `sample` and `unique` (docs/api.md)."""
        return _organisation(self._client.request("POST", "/organisations", json={"slug": slug, **options}))

    def delete(self, slug: str) -> None:
        self._client.request("DELETE", _organisation_path(slug))

    def reset(self, slug: str) -> Organisation:
        """Put the organisation back to the state after its creation."""
        return _organisation(self._client.request("POST", f"{_organisation_path(slug)}/reset"))

    def seed(self, slug: str, records: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[str]]:
        """Insert records, by module, and return their ids, by module. Inserts all of them or none."""
        response = self._client.request("POST", f"{_organisation_path(slug)}/seed", json={"records": records})
        return cast("dict[str, Sequence[str]]", response.json()["ids"])

    def snapshots(self, slug: str) -> Sequence[str]:
        """The names of the organisation's snapshots."""
        document = self._client.request("GET", f"{_organisation_path(slug)}/snapshots").json()
        return [snapshot["name"] for snapshot in document["snapshots"]]

    def snapshot(self, slug: str, name: str, *, replace: bool = True) -> None:
        """Make a snapshot of the organisation, with this name."""
        body = {"name": name, "replace": replace}
        self._client.request("POST", f"{_organisation_path(slug)}/snapshots", json=body)

    def forget_snapshot(self, slug: str, name: str) -> None:
        """Delete a snapshot."""
        self._client.request("DELETE", f"{_organisation_path(slug)}/snapshots/{quote(name, safe='')}")

    def restore(self, slug: str, name: str) -> Organisation:
        """Put the organisation back to the state in the snapshot with this name."""
        response = self._client.request(
            "POST", f"{_organisation_path(slug)}/restore", json={"snapshot": name}
        )
        return _organisation(response)


class Keys:
    """The account's API keys. Every method raises ApiError, Unreachable."""

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
        policy: Policy | None = None,
    ) -> tuple[Key, str]:
        """Create a key. Returns it and its secret, which Moorage never shows again.

        `scopes`, `mode`, `expires_at` and `policy` are those of the calling key where they are None.
        """
        body = {"name": name} | given(
            scopes=None if scopes is None else list(scopes),
            mode=mode,
            expires_at=None if expires_at is None else expires_at.isoformat(),
            policy=policy,
        )
        return _key_and_secret(self._client.request("POST", "/keys", json=body))

    def rotate(self, key_id: str, *, overlap_seconds: int | None = None) -> tuple[Key, str]:
        """Give the key a new secret. Returns both; Moorage never shows the secret again.

        The old secret works until `overlap_seconds` have passed.
        """
        body = {} if overlap_seconds is None else {"overlap_seconds": overlap_seconds}
        path = f"/keys/{quote(key_id, safe='')}/rotate"
        return _key_and_secret(self._client.request("POST", path, json=body))

    def revoke(self, key_id: str) -> Key:
        """Revoke a key. It stops working within a second."""
        response = self._client.request("DELETE", f"/keys/{quote(key_id, safe='')}")
        return cast("Key", response.json()["key"])


def _key_and_secret(response: Response) -> tuple[Key, str]:
    document = response.json()
    return cast("Key", document["key"]), document["secret"]


def _connection(response: Response) -> Connection:
    return cast("Connection", response.json()["connection"])


def _default(response: Response) -> Default:
    return cast("Default", response.json()["default"])


def _default_path(app: str) -> str:
    return f"/apps/{quote(app, safe='')}/default"


def _organisation(response: Response) -> Organisation:
    return cast("Organisation", response.json()["organisation"])


def _organisation_path(slug: str) -> str:
    return f"/organisations/{quote(slug, safe='')}"


def _connection_path(name: str) -> str:
    return f"/connections/{quote(name, safe='')}"
