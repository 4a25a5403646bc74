import json
from dataclasses import dataclass
from urllib.parse import urlencode

import argon2
import pytest

from moorage.crm.accounts.model import Client
from moorage.web import passwords
from tests.crm.accounts.browser import ANA, PASSWORD, Browser, Loop, Origin

SCOPES = "ZohoCRM.modules.ALL,AaaServer.profile.READ"
CALLBACK = "http://127.0.0.1:9/callback?from=crm"
STATE = "s t&a=t/é+\n%"


@dataclass
class Registered:
    """A client of the accounts server, as its owner sees it."""

    client: Client
    secret: str

    @property
    def id(self) -> str:
        return self.client.client_id

    def asks(self, **changes) -> str:
        """The address it sends people to; a parameter of None is left out."""
        values = {
            "response_type": "code",
            "client_id": self.id,
            "scope": SCOPES,
            "redirect_uri": CALLBACK,
            "access_type": "offline",
            "prompt": "consent",
            "state": STATE,
            **changes,
        }
        return "/oauth/v2/auth?" + urlencode({k: v for k, v in values.items() if v is not None})


@pytest.fixture
def register(service):
    """Register a client with an organisation."""

    def register(slug="acme", name="Stub", redirect_uris=(CALLBACK,), *, self_client=False) -> Registered:
        row = service.organisations.find(slug)
        user = service.first_user(row).id
        uris = () if self_client else redirect_uris
        client = service.clients.register(name, row.id, user, uris, self_client=self_client)
        return Registered(client, service.accounts.client_secret(client.client_id))

    return register


@pytest.fixture
def client(crm, register) -> Registered:
    return register()


@pytest.fixture
def self_client(crm, register) -> Registered:
    return register(name="Own script", self_client=True)


@pytest.fixture
def code_of(service):
    """A self client's code."""
    return lambda client, scopes=SCOPES, lifetime=180: service.clients.self_code(client.id, scopes, lifetime)


@pytest.fixture
def ask(nobody):
    """Ask for tokens as a client; a parameter of None is left out. Gives the status and the document."""

    def ask(client, base="", **values):
        values = {"client_id": client.id, "client_secret": client.secret, **values}
        body = urlencode({k: v for k, v in values.items() if v is not None}).encode()
        answer = nobody.call("POST", f"{base}/oauth/v2/token", body=body)
        return answer.status, json.loads(answer.body)

    return ask


@pytest.fixture
def exchange(ask):
    def exchange(client, code, base="", **more):
        return ask(client, base, grant_type="authorization_code", code=code, **more)

    return exchange


@pytest.fixture
def refresh_as(ask):
    def refresh_as(client, refresh_token, base=""):
        return ask(client, base, grant_type="refresh_token", refresh_token=refresh_token)

    return refresh_as


@pytest.fixture
def works(nobody):
    """Whether an access token opens the API."""

    def works(token) -> bool:
        headers = {"Authorization": f"Zoho-oauthtoken {token}"}
        return nobody.get("Leads", headers=headers).json["code"] != "INVALID_TOKEN"

    return works


@pytest.fixture
def ana(service, crm):
    """The first user of acme may sign in with a password."""
    service.people.set_password(crm.organisation, ANA, PASSWORD)


@pytest.fixture(scope="session")
def loop():
    loop = Loop()
    yield loop
    loop.stop()


@pytest.fixture
def origin(tmp_path, clock, service, loop):
    """The CRM's origin on a socket, served by a process's own view of the folder."""
    origin = Origin(tmp_path / "crm", clock, loop)
    yield origin
    origin.stop()


@pytest.fixture
def browser(origin) -> Browser:
    return Browser(origin)


@pytest.fixture
def real_hashes(monkeypatch):
    """Passwords are hashed with the work that is done outside of tests."""
    monkeypatch.setattr(passwords, "PasswordHasher", argon2.PasswordHasher)
