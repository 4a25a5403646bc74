"""A program outside, which asks a person for leave and gets tokens, where a socket would call."""

import json
import re
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from moorage.digests import challenge_of
from tests.control import GATEWAY

VERIFIER = "v" * 43
BACK = "http://127.0.0.1:3000/back"
MCP = f"{GATEWAY}/mcp"
# What a person fills in who lets a program read.
YES = {"app.zoho-crm": "on", "mode": "readonly", "days": "30", "answer": "yes"}
FORM = ("Content-Type", "application/x-www-form-urlencoded")


class Program:
    def __init__(self, control, client_id=None):
        self.control = control
        self.client_id = client_id or self.register().json["client_id"]

    def register(self, address="192.0.2.7", **metadata):
        document = {"client_name": "Harbour Agent", "redirect_uris": [BACK]} | metadata
        headers = [("X-Forwarded-For", address)]
        return self.control.call(
            "POST", "/oauth/register", body=json.dumps(document).encode(), headers=headers
        )

    def request(self, **changes):
        """The path to which the program sends a person. A change to None leaves a parameter out."""
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": BACK,
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "state": "a state/+ä",
            "resource": MCP,
            "scope": "mcp",
        } | changes
        sent = {name: value for name, value in parameters.items() if value is not None}
        return f"/oauth/authorize?{urlencode(sent)}"

    def ask(self, browser, answer="yes", changes=(), **choices):
        """Let a person open the page and answer. Returns what the browser brings back, or the page that it shows."""
        browser.open(self.request(**dict(changes)))
        chosen = YES | {"answer": answer} | choices
        return self.sent(browser, **chosen)

    def sent(self, browser, **choices):
        fields = browser.fields() | choices
        body = urlencode({name: value for name, value in fields.items() if value is not None}).encode()
        sent = browser._ask("POST", "/oauth/authorize", body, [FORM, ("Origin", "null")])
        if sent.status != 303:
            browser.page = sent
            return sent
        location = sent.headers["location"]
        assert location.startswith(BACK), location
        return dict(parse_qsl(urlsplit(location).query))

    def post(self, path, **fields):
        sent = {name: value for name, value in fields.items() if value is not None}
        return self.control.call("POST", path, body=urlencode(sent).encode(), headers=[FORM])

    def exchange(self, code, /, **changes):
        fields = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "redirect_uri": BACK,
            "code_verifier": VERIFIER,
            "resource": MCP,
        }
        return self.post("/oauth/token", **{**fields, "code": code, **changes})

    def refresh(self, refresh_token, **changes):
        fields = {"grant_type": "refresh_token", "client_id": self.client_id, "refresh_token": refresh_token}
        return self.post("/oauth/token", **fields | changes)

    def signed_in(self, browser, **choices):
        """The tokens for a person's yes."""
        answer = self.exchange(self.ask(browser, **choices)["code"])
        assert answer.status == 200, answer.text
        return answer.json

    def principal(self, token, resource=MCP, rooms=None):
        """The caller that the MCP server sees; None if it refuses the token."""
        from moorage.grants.errors import TokenInvalid

        try:
            return self.control.run((rooms or self.control.rooms).grants.principal(token, resource))
        except TokenInvalid:
            return None


def key_of(owner, name="Harbour Agent"):
    """The key of the newest grant of a program."""
    return [key for key in owner.get("/keys").json["keys"] if key["name"] == name][-1]


def shown(page):
    return re.sub(r"\s+", " ", page.text)


def query_of(url):
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
