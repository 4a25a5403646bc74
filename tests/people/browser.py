"""A person's browser, which uses the gateway's pages where a socket would call them."""

import html
import re
from urllib.parse import urlencode, urljoin, urlsplit

from moorage.people.totp import code_at
from tests.control import GATEWAY

PASSWORD = "four words and a sail"


class Browser:
    """Keeps the cookie that it gets, and sends forms as a browser does."""

    def __init__(self, control, address="192.0.2.1"):
        self.control = control
        self.cookie = None
        self.address = address
        self.page = None

    def _ask(self, method, target, body=b"", headers=()):
        sent = [
            ("Host", urlsplit(GATEWAY).netloc),
            ("X-Forwarded-For", self.address),
            ("Accept", "text/html"),
            *headers,
        ]
        if self.cookie:
            sent.append(("Cookie", self.cookie))
        answer = self.control.call(method, target, body=body, headers=sent)
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def open(self, target):
        """The page at a path, after redirects."""
        answer = self._ask("GET", target)
        self.page = answer
        return self._followed(answer, target)

    def _followed(self, answer, target):
        while answer.status == 303:
            target = urlsplit(urljoin(f"{GATEWAY}{target}", answer.headers["location"]))
            target = target.path + (f"?{target.query}" if target.query else "")
            if target == "/console":
                target = "/me"  # Tests of people look there at who is signed in.
            answer = self._ask("GET", target)
        self.at, self.page = target, answer
        return answer

    def fields(self, path=""):
        """The hidden fields of the page's first form, or of the first that leads to a path."""
        form = re.search(rf'<form method="post" action="[./]*{path[1:]}.*?</form>', self.page.text, re.DOTALL)
        hidden = [] if form is None else re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0])
        return {name: html.unescape(value) for name, value in hidden}

    def send(self, path, **values):
        """Send the page's form, with what a person has typed."""
        body = urlencode(self.fields() | values).encode()
        headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", "null")]
        return self._followed(self._ask("POST", path, body, headers), path)

    def join(self, token, name="Ada", email="ada@example.com", password=PASSWORD):
        self.open(f"/welcome?token={token}")
        return self.send("/welcome", name=name, email=email, password=password, repeated=password)

    def sign_in(self, email="ada@example.com", password=PASSWORD, way=""):
        self.open(f"/sign-in?next={way}")
        return self.send("/sign-in", email=email, password=password)


class Phone:
    """A phone that shows codes. `recovery` are the recovery codes that its person got."""

    def __init__(self, control, secret):
        self.control, self.secret, self.recovery = control, secret, []

    @classmethod
    def of(cls, browser):
        """Set up codes for the person who is signed in in a browser."""
        browser.open("/me")
        page = browser.send("/console/me/second-factor", present=PASSWORD)
        assert "<svg" in page.text
        phone = cls(browser.control, re.search(r'<pre id="secret">(\w{32})</pre>', page.text)[1])
        page = browser.send("/console/me/second-factor/on", code=phone.code())
        phone.recovery = re.findall(r"^(?:<.*>)?([a-z2-7-]{19})(?:<|$)", page.text, re.MULTILINE)
        assert len(phone.recovery) == 10
        return phone

    def code(self):
        """The next code that was not used yet."""
        self.control.clock.advance(30)
        return code_at(self.secret, int(self.control.clock.timestamp() // 30))
