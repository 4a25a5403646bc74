"""A person with a browser: goes from the connect page to the embedded CRM's consent page and back."""

import html
import re
import urllib.parse

from moorage.http.message import Request

CRM = "http://crm.test"
FORM = ("content-type", "application/x-www-form-urlencoded")
# What a browser says of a form that a page of the same origin sends.
OWN_FORM = [FORM, ("sec-fetch-site", "same-origin")]


class Person:
    """Signs in where they have to as an organisation's first user. `cookie` is what the gateway's origin set."""

    def __init__(self, control):
        self.control = control
        self.cookie = None

    def connect(self, url, organisation):
        """The last page of a connection to an organisation of the embedded CRM, or the first that is no step."""
        return self.control.run(self.connecting(url, organisation))

    async def connecting(self, url, organisation, decision="accept"):
        sent = await self.choosing(url, f"crm/{organisation}")
        if sent.status != 303:
            return sent
        return await self.coming_back(await self.deciding(sent.headers["location"], decision))

    def choose(self, url, place, **more):
        return self.control.run(self.choosing(url, place, **more))

    async def choosing(self, url, place, **more):
        """The answer to the connect page's form, with every scope ticked unless `scopes` names some."""
        token = urllib.parse.urlsplit(url).query.removeprefix("session_token=")
        page = await self.control.ask("GET", f"/connect/?session_token={token}", headers=self._cookies())
        self._keep_cookie(page)
        scopes = more.pop("scopes", re.findall(r'name="scope" value="([^"]+)"', page.text))
        form = [("session_token", urllib.parse.unquote(token)), ("place", place), *more.items()]
        form += [("scope", scope) for scope in scopes]
        tokens = re.findall(r'name="form_token" value="([^"]+)"', page.text)
        form += [("form_token", token) for token in tokens]
        # Without a page to take a token from, it is sent from one that was open before.
        headers = [*([FORM] if tokens else OWN_FORM), *self._cookies()]
        body = urllib.parse.urlencode(form).encode()
        answer = await self.control.ask("POST", "/connect/", body=body, headers=headers)
        self._keep_cookie(answer)
        return answer

    def _keep_cookie(self, answer):
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]

    def come_back(self, url):
        return self.control.run(self.coming_back(url))

    async def coming_back(self, url):
        parts = urllib.parse.urlsplit(url)
        return await self.control.ask("GET", f"{parts.path}?{parts.query}", headers=self._cookies())

    async def deciding(self, url, decision):
        """Where the consent page sends the browser: back to the gateway."""
        crm = self.control.rooms.crm
        target = urllib.parse.urlsplit(url.removeprefix(CRM))
        asked = dict(urllib.parse.parse_qsl(target.query))
        client = await crm.accounts._store.client(asked["client_id"])
        row = next(row for row in await crm.organisations.list() if row.id == client.organisation)
        user = next(candidate for candidate in await crm.people.offered(row.id) or [await _user(crm, row)])
        session = await crm.people.begin(row.id, user)
        headers = [(b"cookie", f"moorage_crm_session={session}".encode())]
        page = await _answer(crm, Request("GET", target.path.encode(), target.query.encode(), headers))
        fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.body.decode())
        form = {name: html.unescape(value) for name, value in fields[:2]} | {"step": decision}
        body = urllib.parse.urlencode(form).encode()
        headers.append((b"content-type", FORM[1].encode()))
        done = await _answer(crm, Request("POST", target.path.encode(), b"", headers, body))
        assert done.status == 303, done.body
        return dict(done.headers)[b"location"].decode()

    def _cookies(self):
        return [("cookie", self.cookie)] if self.cookie else []


async def _user(crm, row):
    document = await crm.first_user(row)
    from moorage.crm.accounts.model import User

    return User(document.id, document.body["full_name"], document.body["email"])


async def _answer(crm, request):
    answer = crm.answer(request)
    return answer if hasattr(answer, "status") else await answer
