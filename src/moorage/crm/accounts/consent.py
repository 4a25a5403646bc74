"""`/oauth/v2/auth`: the page where a person signs in and decides. Plain HTML: it works without scripts.

Nothing is remembered between its steps but who is signed in: each form carries the client's whole request, which is
checked anew. So a way back, a second tab or a second click can't confuse one request with another.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from moorage.crm.accounts.authorization import (
    Authorization,
    AuthorizationInvalid,
    AuthorizationRefused,
    read,
)
from moorage.crm.accounts.clients import Clients
from moorage.crm.accounts.errors import CodesUsedUp, OwnerGone, SignInRefused, SignInThrottled
from moorage.crm.accounts.forms import form
from moorage.crm.accounts.model import Grant, User
from moorage.crm.accounts.people import SESSION_LIFETIME, People, new_session
from moorage.crm.accounts.service import Accounts
from moorage.crm.accounts.wording import in_words
from moorage.crm.centres import Site
from moorage.crm.wire.call import with_headers
from moorage.http.errors import BodyTooLarge
from moorage.http.forms import fields
from moorage.http.message import Headers, Request, Response
from moorage.loopback import is_loopback
from moorage.web.cookies import Cookie, Scope, set_cookie
from moorage.web.own_forms import objection
from moorage.web.pages import ANYWHERE, Pages, headers, html_headers

PATH = "/oauth/v2/auth"
COOKIE = Cookie("moorage_crm_session")

_PAGES = Pages("moorage.crm.accounts", "Moorage CRM")
_HOST = re.compile(r"\[([0-9a-f:.]+)\](?::\d+)?|([a-z0-9.-]+)(?::\d+)?")
_PROXIES_SAY = frozenset({b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"x-original-host"})
_STALE = "This page was out of date. Here it is anew. If you read this again, allow this site's cookies."
_NOT_HERE = "That is for browsers on this machine, at its own address. Sign in with your password."
_WRONG = "That e-mail address and password do not belong together, or there is no password yet."
_THROTTLED = "Too many tries. Wait a few minutes."


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for the page. `session` is the browser's, or the one it is about to get."""

    request: Request
    site: Site
    asked: Authorization
    session: str

    @property
    def organisation(self) -> int:
        return self.asked.client.organisation

    @property
    def objection(self) -> str | None:
        """Why a form can't have come from this page."""
        return objection(lambda name: self.request.header(name.encode()), self.site.origin)

    @property
    def client(self) -> str:
        """The address that the browser has, as far as this machine's own proxy tells.

        It steers nothing but who has to wait after wrong passwords.
        """
        address = self.request.client
        if not is_loopback(address):
            return address
        return (self.request.header(b"x-forwarded-for") or "")[-64:].rpartition(",")[2].strip() or address

    @property
    def can_be_here(self) -> bool:
        """Whether nothing says that the request went through a proxy, and it asks for this machine by its own name.

        A proxy on this machine looks like its browser: nginx asks for 127.0.0.1 unless it is told otherwise. But of
        its own accord it speaks HTTP/1.0, and others name whom they forward for.
        """
        if self.request.version == "1.0" or any(map(_tells_of_a_proxy, self.request.headers)):
            return False
        name = _HOST.fullmatch(self._host)
        here = name is not None and is_loopback(name[1] or name[2])
        return here and (not self.request.client or is_loopback(self.request.client))

    @property
    def is_here(self) -> bool:
        """Whether the browser's own address bar shows this machine, too: it sends that with a form as `Origin`."""
        return self.can_be_here and self.request.header(b"origin") == f"http://{self._host}"

    @property
    def _host(self) -> str:
        return (self.request.header(b"host") or "")[:100].lower()


class ConsentPage:
    def __init__(self, accounts: Accounts, clients: Clients, people: People) -> None:
        self._accounts = accounts
        self._clients = clients
        self._people = people

    async def answer(self, request: Request, site: Site) -> Response:
        if request.method not in {"GET", "POST"}:
            refused = failed("ERROR_invalid_method", "This page takes GET and POST.", 405)
            return with_headers(refused, (b"allow", b"GET, POST"))
        try:
            return await self._answer(request, site, form(request))
        except BodyTooLarge as error:
            return failed("ERROR_form_too_large", error.message, 413)
        except AuthorizationInvalid as invalid:
            return failed(invalid.error, invalid.help, 400)
        except AuthorizationRefused as refused:
            return _go(refused.location)
        except OwnerGone:
            gone = "The client, or its organisation, was deleted in this moment."
            return failed("ERROR_invalid_client", gone, 400)

    async def _answer(self, request: Request, site: Site, given: dict[str, str]) -> Response:
        of_the_client = given if request.method == "GET" else _carried(given)
        asked = await read(of_the_client, self._accounts, site)
        session = COOKIE.of(request.header(b"cookie")) or new_session()
        visit = Visit(request, site, asked, session)
        return await self._next(visit) if request.method == "GET" else await self._act(visit, given)

    async def _next(self, visit: Visit) -> Response:
        """What is next where nothing was answered yet: a page, or the code of whoever agreed before."""
        user, asked = await self._people.signed_in(visit.session, visit.organisation), visit.asked
        if user and not asked.ask_again and await self._accounts.holds(asked.client, user.id, asked.scopes):
            return await self._accept(visit, user, offline=False)
        return await self._show(visit)

    async def _show(self, visit: Visit, note: str = "", status: int = 200) -> Response:
        """The page that is next: who are you, or may they."""
        user, asked = await self._people.signed_in(visit.session, visit.organisation), visit.asked
        if user is None:
            return await self._sign_in_page(visit, note, status)
        words = [(scope, in_words(scope)) for scope in asked.scopes.names]
        return await self._page(visit, "decide.html", note, status, user=user, scopes=words)

    async def _sign_in_page(self, visit: Visit, note: str = "", status: int = 200) -> Response:
        """Who are you: by password, or without one from this machine. Names are shown to whom is known to be here."""
        offered = await self._people.offered(visit.organisation) if visit.can_be_here else []
        named = offered if visit.is_here else []
        page = await self._page(visit, "sign_in.html", note, status, offered=bool(offered), named=named)
        if offered:
            # Without this the browser would not say in its forms where they come from.
            page.headers = [(n, b"same-origin" if n == b"referrer-policy" else v) for n, v in page.headers]
        return page

    async def _act(self, visit: Visit, given: dict[str, str]) -> Response:
        against = visit.objection
        if against is not None:
            return failed("ERROR_foreign_form", f"{against} Go back to the app and begin there again.", 403)
        if not self._people.owns(visit.session, given.get("form_token", "")):
            return await self._show(visit, _STALE, 403)
        match given.get("step"):
            case "password":
                return await self._check(visit, given.get("email", "").strip(), given.get("password", ""))
            case "people" | "user" as step:
                return await self._choose(visit, given.get("user", "") if step == "user" else None)
            case "other":
                return await self._sign_out(visit)
            case "reject":
                return _go(visit.asked.refused("access_denied"))
            case "accept":
                user = await self._people.signed_in(visit.session, visit.organisation)
                if user is not None:
                    return await self._accept(visit, user, offline=visit.asked.offline)
        return await self._show(visit, _STALE, 403)

    async def _choose(self, visit: Visit, user: str | None) -> Response:
        """Sign in whom a person on this machine chose, or let them choose."""
        if not visit.is_here:
            return await self._show(visit, _NOT_HERE, 403)
        if user is None:
            return await self._show(visit)
        offered = await self._people.offered(visit.organisation)
        chosen = next((each for each in offered if str(each.id) == user), None)
        return await self._show(visit, _STALE, 403) if chosen is None else await self._sign_in(visit, chosen)

    async def _check(self, visit: Visit, email: str, password: str) -> Response:
        try:
            user = await self._people.sign_in(visit.organisation, email, password, visit.client)
        except SignInRefused:
            return await self._show(visit, _WRONG, 403)
        except SignInThrottled:
            return await self._show(visit, _THROTTLED, 429)
        return await self._sign_in(visit, user)

    async def _sign_in(self, visit: Visit, user: User) -> Response:
        # A new session, so that whoever knew the one from before is not signed in with it; and a page that can be
        # loaded again without a password.
        session = await self._people.begin(visit.organisation, user)
        return _go(f"auth?{visit.asked.query}", self._cookie(visit, session))

    async def _sign_out(self, visit: Visit) -> Response:
        # Strangers make up sessions, and nothing is written for them.
        if await self._people.is_begun(visit.session):
            await self._people.end(visit.session)
        return _go(f"auth?{visit.asked.query}", self._cookie(visit, new_session()))

    async def _accept(self, visit: Visit, user: User, *, offline: bool) -> Response:
        asked = visit.asked
        grant = Grant(asked.client.client_id, visit.organisation, user.id, str(asked.scopes))
        try:
            code = await self._clients.new_code(
                asked.client,
                grant,
                redirect_uri=asked.redirect_uri,
                challenge=asked.challenge,
                offline=offline,
                nonce=asked.given.get("nonce"),
            )
        except CodesUsedUp as refused:
            return _go(asked.refused(refused.error))
        centre = asked.client.centre
        return _go(asked.accepted(code, location=centre, accounts_server=visit.site.base(centre)))

    async def _page(self, visit: Visit, template: str, note: str, status: int, **values: object) -> Response:
        html = _PAGES.render(
            template,
            note=note,
            client=visit.asked.client,
            organisation=await self._people.place(visit.organisation),
            request=visit.asked.query,
            offline=visit.asked.offline,
            goes_to=urlsplit(visit.asked.redirect_uri).netloc or visit.asked.redirect_uri,
            form_token=self._people.form_token(visit.session),
            **values,
        )
        # Given anew with each page, so that the form of one that was just loaded has its whole time.
        cookie = self._cookie(visit, visit.session)
        scheme = urlsplit(visit.asked.redirect_uri).scheme
        return Response(status, html, [*html_headers(_form_targets(scheme)), *cookie])

    def _cookie(self, visit: Visit, session: str) -> Headers:
        return [set_cookie(COOKIE, session, Scope.below(visit.site.here, PATH), SESSION_LIFETIME)]


def _tells_of_a_proxy(header: tuple[bytes, bytes]) -> bool:
    return header[0] in _PROXIES_SAY or header[0].startswith(b"x-forwarded")


def _carried(given: Mapping[str, str]) -> dict[str, str]:
    """The client's request that a form carries on; none in what no page of ours wrote."""
    request = given.get("request", "")
    return fields(request.encode("ascii")) if request.isascii() else {}


def _go(location: str, cookie: Headers | None = None) -> Response:
    # 303 after a form: the browser must not send the password on.
    return Response(303, b"", [(b"location", location.encode("ascii")), *headers(ANYWHERE), *(cookie or [])])


def failed(error: str, help_: str, status: int) -> Response:
    """The page that says that nothing came of it, and why."""
    html = _PAGES.render("failed.html", error=error, help=help_, status=status)
    return Response(status, html, html_headers(ANYWHERE))


def _form_targets(scheme: str) -> tuple[str, ...]:
    """`scheme` is that of the redirect URI, which may be an app's own."""
    return ANYWHERE if scheme in {"", "http", "https"} else (*ANYWHERE, f"{scheme}:")
