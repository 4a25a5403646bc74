"""A person's browser without scripts, which uses a whole server."""

import html
import http.cookiejar
import re
import urllib.parse
import urllib.request

PASSWORD = "four words and a sail"


class Visitor:
    """A person's browser without scripts."""

    def __init__(self, server):
        self._server, self.gateway = server, server.gateway
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )
        self.page = ""

    def open(self, url, form=None):
        headers = {"Accept": "text/html", "Origin": self._server.gateway}
        data = None if form is None else urllib.parse.urlencode(self._fields() | form).encode()
        with self._opener.open(urllib.request.Request(url, data, headers), timeout=30) as answer:
            self.page, self.url = answer.read().decode(), answer.url
        return self.page

    def decide(self, form):
        """Approve or decline the call whose page is open: with a reason it is declined."""
        what = "decline" if "reason" in form else "approve"
        return self.open(f"{self.url.partition('?')[0]}/{what}", form)

    def _fields(self):
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.page)
        return {name: html.unescape(value) for name, value in hidden}

    def join(self, name="Olga", role="owner"):
        self.open(self._server.run("people", "invite", "--role", role).stdout.strip())
        form = {
            "name": name,
            "email": f"{name.lower()}@example.com",
            "password": PASSWORD,
            "repeated": PASSWORD,
        }
        self.open(f"{self._server.gateway}/welcome", form)
