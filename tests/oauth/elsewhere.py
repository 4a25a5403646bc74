"""Zoho as the embedded CRM plays it: the hosts of each data centre lead to that centre's door, in process."""

import asyncio
from urllib.parse import urlsplit

from msgspec.structs import replace

from moorage.connections.model import Upstream
from moorage.crm.accounts.model import Grant
from moorage.crm.metadata.standard import DEMO
from moorage.http.message import Request
from moorage.oauth.model import AccessToken, Client
from moorage.oauth.transport.contract import HttpReply, Unanswered

SCOPES = "ZohoCRM.modules.ALL,ZohoCRM.org.ALL,ZohoCRM.users.ALL"


class Elsewhere:
    """`clock` is how many seconds its clock is ahead of ours. What `faults` has of a host comes in place of its
    answer: a reply, or an exception."""

    def __init__(self, control):
        self.control = control
        self.calls = []
        self.faults = {}
        self.clock = 0.0
        self._centres = {
            urlsplit(url).hostname: key
            for key, centre in control.rooms.providers.get("zoho-crm").data_centres.items()
            for url in (centre.api, centre.accounts)
        }
        control.rooms.accounts._outside = self.send

    async def send(self, call):
        self.calls.append(call)
        await asyncio.sleep(0)
        target = urlsplit(call.url)
        fault = self.faults.get(target.hostname)
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            return fault
        path = f"/dc/{self._centres[target.hostname]}{target.path}".encode()
        headers = [(name.lower().encode(), value.encode()) for name, value in call.headers.items()]
        answer = self.control.crm.answer(
            Request(call.method, path, target.query.encode(), headers, call.body)
        )
        answer = answer if hasattr(answer, "status") else await answer
        return HttpReply(answer.status, answer.body, self.control.clock.timestamp() + self.clock)

    def account(self, centre, slug="acme"):
        """An organisation of that data centre, and a client registered there that we are known by."""
        crm = self.control.crm
        row = crm.organisations.create(slug, replace(DEMO, name=slug, data_centre=centre), sample=False)
        user = crm.first_user(row).id
        client = crm.clients.register("Gateway", row.id, user, ("https://g.test/",), self_client=False)
        secret = crm.accounts.client_secret(client.client_id)
        self.know(Client(client.client_id, secret))
        return Account(self, row, user, client, secret)

    def know(self, client):
        self.control.run(self.control.rooms.oauth_clients.set("zoho", None, client))

    def silence(self, *hosts):
        for host in hosts:
            self.faults[host] = Unanswered(f"{host} could not be reached: no route.", sent=False)


class Account:
    def __init__(self, elsewhere, row, user, client, secret):
        self._elsewhere = elsewhere
        self._row = row
        self._user = user
        self.client = client
        self.client_secret = secret
        self.tokens = None

    def connect(self, owner, centre, *, scopes=SCOPES, metadata=None, base_url=None):
        """An ACTIVE connection of the owner's that leads to a data centre, with tokens of this account."""
        control = self._elsewhere.control
        grant = Grant(self.client.client_id, self._row.id, self._user, scopes.replace(",", " "))
        self.tokens = issued = control.crm.accounts.grant(self.client, grant)
        created = owner.connect()
        connection = control.run(control.rooms.connections.get(owner.account, created["id"]))
        provider = control.rooms.providers.get("zoho-crm")
        upstream = Upstream("remote", base_url or provider.data_centres[centre].api, data_centre=centre)
        access = AccessToken(issued.access_token, control.clock.timestamp() + 3600)

        def keep(tx):
            return control.rooms.tokens.keep(tx, connection.id, access, issued.refresh_token)

        facts = {"user": "ana@acme.test", "data_centre": centre, **(metadata or {})}
        control.run(control.rooms.connections.activate(connection, upstream, facts, keep))
        return control.run(control.rooms.connections.get(owner.account, created["id"]))
