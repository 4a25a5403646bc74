"""A person who uses the console of a whole server, by what a browser sends."""

import html
import http.client
import itertools
import json
import re
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin, urlsplit

PASSWORD = "four words and a sail"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
_BOUNDARY = "a-boundary-of-tests"
_numbers = itertools.count()


@dataclass
class Page:
    status: int
    headers: dict[str, str]
    body: bytes
    at: str

    @property
    def text(self):
        """The HTML."""
        return self.body.decode()

    @property
    def words(self):
        """What a person reads, without tags and with single spaces."""
        seen = re.sub(r"<(script|style|dialog).*?</\1>", " ", self.text, flags=re.DOTALL)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", seen)).split())

    @property
    def json(self):
        return json.loads(self.body)


class Visitor:
    """Keeps the cookie that it gets, and sends forms as a browser does."""

    def __init__(self, server):
        self.server = server
        self.cookie = None
        self.page = None

    def join(self, role, name=None, email=None):
        """Become somebody with this role."""
        invited = self.server.run("people", "invite", "--role", role).stdout.strip()
        self.open(urlsplit(invited).path + "?" + urlsplit(invited).query)
        name = name or f"{role.title()} {next(_numbers)}"
        email = email or f"{name.lower().replace(' ', '.')}.{self.server.home.name}@example.com"
        page = self.send(name=name, email=email, password=PASSWORD, repeated=PASSWORD)
        assert page.status == 200, page.words
        self.name, self.email = name, email
        return self

    def ask(self, method, target, body=None, headers=None):
        """One answer, without following it."""
        address = urlsplit(self.server.gateway)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        sent = {"Accept": "text/html", **({"Cookie": self.cookie} if self.cookie else {}), **(headers or {})}
        try:
            connection.request(method, target, body, sent)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        if "set-cookie" in found:
            self.cookie = found["set-cookie"].partition(";")[0]
        return Page(answer.status, found, text, target)

    def open(self, target):
        """The page at a path, after redirects."""
        return self._followed(self.ask("GET", target))

    def twin(self, target):
        """The JSON of a page."""
        page = self.ask("GET", f"{target}{'&' if '?' in target else '?'}format=json")
        assert page.status == 200, page.body
        return page.json

    def send(self, action="", /, **values):
        """Send a form of the page that is open: the first whose action ends so, with what a person has typed."""
        for found in re.finditer(
            r'<form method="post" action="([^"]*)"(.*?)</form>', self.page.text, re.DOTALL
        ):
            if html.unescape(found[1]).endswith(action):
                break
        else:
            raise AssertionError(f"no form leads to {action!r}: {self.page.words}")
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', found[2])
        fields = {name: html.unescape(value) for name, value in hidden} | values
        return self.post(_target(self.page.at, html.unescape(found[1])), fields)

    def post(self, target, fields):
        return self._followed(self.ask("POST", target, urlencode(fields, doseq=True).encode(), FORM))

    def upload(self, target, name, content, **fields):
        """Send a form with a file. The page that is open has the form's token."""
        token = re.search(r'name="form_token" value="([^"]*)"', self.page.text)[1]
        parts = [
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in ({"form_token": token} | fields).items()
        ]
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = b"%b%b%b\r\n--%b--\r\n" % (b"".join(parts), head.encode(), content, _BOUNDARY.encode())
        kind = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}", "Sec-Fetch-Site": "same-origin"}
        return self._followed(self.ask("POST", target, body, kind))

    def _followed(self, page):
        while page.status == 303:
            page = self.ask("GET", _target(page.at, page.headers["location"]))
        self.page = page
        return page


def _target(at, link):
    found = urlsplit(urljoin(f"http://server{at}", link))
    return found.path + (f"?{found.query}" if found.query else "")
