"""A person with a browser that keeps cookies and follows forms, without a window: through the connect page and back."""

import html
import http.cookiejar
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

OWNER = "ana@harbourpine.example"  # The first user of every organisation that the tests make.
PASSWORD = "correct horse battery"


@dataclass
class Page:
    """What the browser ended at, after every redirect."""

    status: int
    url: str
    text: str

    @property
    def heading(self) -> str:
        return html.unescape(re.search(r"<h1>(.*?)</h1>", self.text, re.DOTALL).group(1))

    def fields(self, index: int = 0) -> list[tuple[str, str]]:
        """The hidden fields and ticked boxes of a form."""
        form = re.findall(r"<form.*?</form>", self.text, re.DOTALL)[index]
        fields_found = []
        for tag in re.findall(r"<input[^>]*>", form):
            kind = re.search(r'type="(\w+)"', tag).group(1)
            if kind == "hidden" or (kind in {"checkbox", "radio"} and " checked" in tag):
                name, value = (
                    html.unescape(re.search(rf'{a}="([^"]*)"', tag).group(1)) for a in ("name", "value")
                )
                fields_found.append((name, value))
        return fields_found


class Walker:
    """`context` says which certificates are trusted; None means the usual ones."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(self.cookies),
            urllib.request.HTTPSHandler(context=context),
        )

    def open(self, url: str, form: list[tuple[str, str]] | None = None, origin: str | None = None) -> Page:
        data = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(url, data, {} if origin is None else {"Origin": origin})
        try:
            answer = self._opener.open(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Page(answer.status, answer.url, answer.read().decode())

    def submit(self, page: Page, index: int = 0, **changed: str) -> Page:
        """Send a form of a page, with some fields changed or added."""
        action = re.findall(r'<form[^>]*action="([^"]*)"', page.text)[index]
        kept = [(name, value) for name, value in page.fields(index) if name not in changed]
        url = urllib.parse.urljoin(page.url.partition("?")[0], action)
        there = urllib.parse.urlsplit(url)
        # Only the page that lets one sign in without a password has the browser say where it is.
        told = "without a password" in page.text or 'name="user"' in page.text
        return self.open(url, [*kept, *changed.items()], f"{there.scheme}://{there.netloc}" if told else None)

    def connect(self, url: str, place: str = "crm/demo", decision: str = "accept", **chosen: str) -> Page:
        """The last page on the way of a connection to an organisation of an embedded CRM."""
        page = self.submit(self.open(url), place=place, **chosen)
        if page.heading.startswith("Sign in to"):
            page = self.sign_in(page)
        return self.submit(page, step=decision) if " wants to act in " in page.heading else page

    def again(self, page: Page) -> str:
        """The address at which the page of a failure lets a person try again."""
        return html.unescape(re.search(r'href="([^"]+)">Try again', page.text).group(1))

    def sign_in(self, page: Page) -> Page:
        """Without a password where that is offered, else as the owner with it."""
        if "Sign in without a password" in page.text:
            page = self.submit(page)
        offered = re.search(r'name="user" value="(\d+)"', page.text)
        if offered:
            return self.submit(page, user=offered.group(1))
        return self.submit(page, email=OWNER, password=PASSWORD)


def set_password(server, organisation: str) -> None:
    """Let the owner of an organisation sign in."""
    server.run("crm", "user", "password", OWNER, "--org", organisation, typed=f"{PASSWORD}\n")
