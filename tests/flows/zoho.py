"""A second Moorage that plays the real Zoho to a first one: its embedded CRM is the accounts server and the API."""

import asyncio
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from inspect import isawaitable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from moorage import settings
from moorage.oauth.apps.providers import SHIPPED
from moorage.oauth.tokens.renewal import ACCESS, REFRESH
from moorage.operator import Operator, open_operator
from tests.flows.conftest import Server, environment, start
from tests.flows.walker import set_password


def declaration(zoho: str, sandbox: str = "") -> str:
    """The app's file as it is shipped, with every host in the one that plays Zoho.

    The data centre us is its root, where people of every centre can sign in, as at accounts.zoho.com.
    """
    text = (SHIPPED / "zoho-crm.toml").read_text()
    head, *centres = re.split(r"^\[data_centres\.(\w+)\]$", text, flags=re.MULTILINE)
    for key in centres[::2]:
        base = zoho if key == "us" else f"{zoho}/dc/{key}"
        head += f'[data_centres.{key}]\napi = "{base}"\naccounts = "{base}"\n'
        head += f'sandbox = "{sandbox}"\n' if sandbox else ""
    return head


def start_gateway(home: Path, zoho: Server, sandbox: str = "", **more: str) -> Server:
    """A server for which the other server is Zoho."""
    folder = home / "providers"
    folder.mkdir(parents=True)
    home.chmod(0o700)
    (folder / "zoho-crm.toml").write_text(declaration(zoho.crm, sandbox))
    return start(home, **more)


@dataclass
class Zoho:
    """The server that plays Zoho, the gateway that is its client, and by what it knows the gateway."""

    server: Server
    gateway: Server
    client_id: str
    client_secret: str

    def set_client(
        self, data_centre: str | None = None, *, client_id: str | None = None, secret: str | None = None
    ) -> None:
        """Tell the gateway its client, as the operator does; some of it may be wrong."""
        where = ["--data-centre", data_centre] if data_centre else []
        self.gateway.run(
            "client", "set", "zoho-crm", *where, "--client-id", client_id or self.client_id,
            typed=f"{secret or self.client_secret}\n",
        )  # fmt: skip

    def revoke(self, token: str) -> dict:
        """As a person does in the account's settings."""
        return self._post("revoke", {"token": token})

    def refresh(self, token: str) -> dict:
        client = {"client_id": self.client_id, "client_secret": self.client_secret}
        return self._post("", {"grant_type": "refresh_token", "refresh_token": token, **client})

    def _post(self, path: str, form: dict[str, str]) -> dict:
        url = f"{self.server.crm}/dc/eu/oauth/v2/token{'/' if path else ''}{path}"
        return _json(urllib.request.Request(url, urlencode(form).encode()))

    def call(self, token: str) -> dict:
        """What its API answers who has a token."""
        headers = {"Authorization": f"Zoho-oauthtoken {token}"}
        return _json(urllib.request.Request(f"{self.server.crm}/dc/eu/crm/v8/org", headers=headers))


def _json(request: urllib.request.Request) -> dict:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return json.loads(error.read())


def make_quay(server: Server) -> None:
    """The organisation `quay` in the data centre eu, whose owner signs in with a password."""
    server.run("crm", "org", "create", "quay", "--name", "Quay Europe", "--data-centre", "eu")
    set_password(server, "quay")


def register(server: Server, gateway: Server) -> Zoho:
    """Register a new client of the gateway's with `quay`, and tell the gateway; it forgets all it had before."""
    callback = f"{gateway.gateway}/connect/callback"
    client, secret = _operate(
        server,
        lambda operator: operator.clients.create("quay", "Our Moorage", (callback,), self_client=False),
    )

    async def take_up(operator: Operator) -> None:
        for known in await operator.oauth_clients.list():
            await operator.oauth_clients.delete(known.name, known.data_centre)
        await operator.oauth_clients.set("zoho-crm", None, client.client_id, secret)

    _operate(gateway, take_up)
    return Zoho(server, gateway, client.client_id, secret)


def kept_tokens(gateway: Server, connection_id: str) -> tuple[str, str]:
    """The access and the refresh token that the gateway holds for a connection."""

    async def look(operator: Operator) -> tuple[str, str]:
        secrets = [await operator._rooms.vault.get(connection_id, kind) for kind in (ACCESS, REFRESH)]
        return secrets[0].value, secrets[1].value

    return _operate(gateway, look)


def _operate(server: Server, act: Callable[[Operator], Any]) -> Any:
    """Do what commands do, without the time that it takes to start them."""

    async def opened() -> Any:
        async with open_operator(settings.load(environment(server.home))) as operator:
            done = act(operator)
            return await done if isawaitable(done) else done

    return asyncio.run(opened())
