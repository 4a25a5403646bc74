"""`/oauth/v2/auth`: the page where a person signs in and decides. It is plain HTML and works without scripts.

Between its steps the server remembers only who is signed in. Each form has the whole request of the client, which is
checked again each time. So going back, a second tab or a second click can't mix up two requests.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from moorage.crm.accounts.authorization import (
    Authorization,
    AuthorizationInvalid,
    AuthorizationRefused,
    read,
)
from moorage.crm.accounts.clients import Clients
from moorage.crm.accounts.errors import CodesUsedUp, OwnerGone, SignInRefused
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
from moorage.web.tries import SignInThrottled
from moorage.web.visitor import address_of

PATH = "/oauth/v2/auth"
COOKIE = Cookie("moorage_crm_session")

_PAGES = Pages("moorage.crm.accounts", "Moorage CRM")
_HOST = re.compile(r"\[([0-9a-f:.]+)\](?::\d+)?|([a-z0-9.-]+)(?::\d+)?")
_HEADERS_OF_PROXIES = frozenset({b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"x-original-host"})
_STALE = (
    "The page was out of date, so this is a new one. If you read this again, allow the cookies of this site."
)
_NOT_HERE = "This is only possible in a browser on this machine. Sign in with your password."
_WRONG = "The e-mail address or the password is wrong, or no password was set yet."
_THROTTLED = "Too many tries. Wait a few minutes."


class Visit(msgspec.Struct, frozen=True):
    """One request for the page. `session` is the session of the browser, or a new one that the browser will get."""

    request: Request
    site: Site
    authorization: Authorization
    session: str

    @property
    def organisation(self) -> int:
        return self.authorization.client.organisation

    @property
    def objection(self) -> str | None:
        """The reason why a form can't be from this page; None if there is no such reason."""
        return objection(lambda name: self.request.header(name.encode()), self.site.origin)

    @property
    def client(self) -> str:
        """The address of the browser, or the address that the proxy on this machine gives for it.

        It only decides who has to wait after wrong passwords.
        """
        return address_of(self.request.client, self.request.header(b"x-forwarded-for"))

    @property
    def can_be_here(self) -> bool:
        """True if the request names this machine as its host, and nothing shows that it came through a proxy.

        A proxy on this machine looks like a browser on it: by default nginx asks for 127.0.0.1. But by default it also
        speaks HTTP/1.0, and other proxies add a header with the address of their client.
        """
        if self.request.version == "1.0" or any(map(_is_of_a_proxy, self.request.headers)):
            return False
        host = _HOST.fullmatch(self._host)
        names_this_machine = host is not None and is_loopback(host[1] or host[2])
        return names_this_machine and (not self.request.client or is_loopback(self.request.client))

    @property
    def is_here(self) -> bool:
        """True if the address bar of the browser shows this machine, too. A form has that address as `Origin`."""
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
            response = failed("ERROR_invalid_method", "This page answers GET and POST.", 405)
            return with_headers(response, (b"allow", b"GET, POST"))
        try:
            return await self._answer(request, site, form(request))
        except BodyTooLarge as error:
            return failed("ERROR_form_too_large", error.message, 413)
        except AuthorizationInvalid as error:
            return failed(error.error, error.help, 400)
        except AuthorizationRefused as error:
            return _go(error.location)
        except OwnerGone:
            help_ = "The client or its organisation was just deleted."
            return failed("ERROR_invalid_client", help_, 400)

    async def _answer(self, request: Request, site: Site, parameters: dict[str, str]) -> Response:
        of_client = parameters if request.method == "GET" else _passed_on(parameters)
        authorization = await read(of_client, self._accounts, site)
        session = COOKIE.of(request.header(b"cookie")) or new_session()
        visit = Visit(request, site, authorization, session)
        return await self._begin(visit) if request.method == "GET" else await self._act(visit, parameters)

    async def _begin(self, visit: Visit) -> Response:
        """The first page, or a code at once if the user has agreed before."""
        user = await self._people.signed_in(visit.session, visit.organisation)
        authorization = visit.authorization
        client, scopes = authorization.client, authorization.scopes
        if user and not authorization.ask_again and await self._accounts.holds(client, user.id, scopes):
            return await self._accept(visit, user, offline=False)
        return await self._show(visit)

    async def _show(self, visit: Visit, note: str = "", status: int = 200) -> Response:
        """The page for signing in, or for a user who is signed in the page for the decision."""
        user = await self._people.signed_in(visit.session, visit.organisation)
        if user is None:
            return await self._sign_in_page(visit, note, status)
        scopes = [(scope, in_words(scope)) for scope in visit.authorization.scopes.names]
        return await self._page(visit, "decide.html", note, status, user=user, scopes=scopes)

    async def _sign_in_page(self, visit: Visit, note: str = "", status: int = 200) -> Response:
        """Sign in with a password or, on this machine, without one. Only a browser on this machine sees the names."""
        offered = await self._people.offered(visit.organisation) if visit.can_be_here else []
        named = offered if visit.is_here else []
        page = await self._page(visit, "sign_in.html", note, status, offered=bool(offered), named=named)
        if offered:
            # Without this header the forms of the page would have no `Origin`.
            page.headers = [(n, b"same-origin" if n == b"referrer-policy" else v) for n, v in page.headers]
        return page

    async def _act(self, visit: Visit, form_fields: dict[str, str]) -> Response:
        objection = visit.objection
        if objection is not None:
            return failed("ERROR_foreign_form", f"{objection} Go back to the app and begin there again.", 403)
        if not self._people.owns(visit.session, form_fields.get("form_token", "")):
            return await self._show(visit, _STALE, 403)
        match form_fields.get("step"):
            case "password":
                email, password = form_fields.get("email", "").strip(), form_fields.get("password", "")
                return await self._check(visit, email, password)
            case "people" | "user" as step:
                return await self._choose(visit, form_fields.get("user", "") if step == "user" else None)
            case "other":
                return await self._sign_out(visit)
            case "reject":
                return _go(visit.authorization.refused("access_denied"))
            case "accept":
                user = await self._people.signed_in(visit.session, visit.organisation)
                if user is not None:
                    return await self._accept(visit, user, offline=visit.authorization.offline)
        return await self._show(visit, _STALE, 403)

    async def _choose(self, visit: Visit, user: str | None) -> Response:
        """Sign in the user that a person on this machine chose; without a user, show the names to choose from."""
        if not visit.is_here:
            return await self._show(visit, _NOT_HERE, 403)
        if user is None:
            return await self._show(visit)
        offered = await self._people.offered(visit.organisation)
        chosen = next((candidate for candidate in offered if str(candidate.id) == user), None)
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
        # The session is new, because somebody else may know the old one. The redirect makes a page that can be loaded
        # again without sending the password again.
        session = await self._people.begin(visit.organisation, user)
        return _go(f"auth?{visit.authorization.query}", self._cookie(visit, session))

    async def _sign_out(self, visit: Visit) -> Response:
        # A stranger may have made up this session. Nothing is written for that.
        if await self._people.is_begun(visit.session):
            await self._people.end(visit.session)
        return _go(f"auth?{visit.authorization.query}", self._cookie(visit, new_session()))

    async def _accept(self, visit: Visit, user: User, *, offline: bool) -> Response:
        authorization = visit.authorization
        client = authorization.client
        grant = Grant(client.client_id, visit.organisation, user.id, str(authorization.scopes))
        try:
            code = await self._clients.new_code(
                client,
                grant,
                redirect_uri=authorization.redirect_uri,
                challenge=authorization.challenge,
                offline=offline,
                nonce=authorization.parameters.get("nonce"),
            )
        except CodesUsedUp as error:
            return _go(authorization.refused(error.error))
        accounts_server = visit.site.base(client.centre)
        return _go(authorization.accepted(code, location=client.centre, accounts_server=accounts_server))

    async def _page(self, visit: Visit, template: str, note: str, status: int, **values: object) -> Response:
        authorization = visit.authorization
        redirect = urlsplit(authorization.redirect_uri)
        html = _PAGES.render(
            template,
            note=note,
            client=authorization.client,
            organisation=await self._people.organisation_name(visit.organisation),
            request=authorization.query,
            offline=authorization.offline,
            goes_to=redirect.netloc or authorization.redirect_uri,
            form_token=self._people.form_token(visit.session),
            **values,
        )
        # Each page sets the cookie again, so that a page that was just loaded can be used for the whole lifetime.
        cookie = self._cookie(visit, visit.session)
        return Response(status, html, [*html_headers(_form_targets(redirect.scheme)), *cookie])

    def _cookie(self, visit: Visit, session: str) -> Headers:
        return [set_cookie(COOKIE, session, Scope.below(visit.site.here, PATH), SESSION_LIFETIME)]


def _is_of_a_proxy(header: tuple[bytes, bytes]) -> bool:
    return header[0] in _HEADERS_OF_PROXIES or header[0].startswith(b"x-forwarded")


def _passed_on(form_fields: Mapping[str, str]) -> dict[str, str]:
    """The request of the client that a form passes on. A form that is not from our page may have none."""
    request = form_fields.get("request", "")
    return fields(request.encode("ascii")) if request.isascii() else {}


def _go(location: str, cookie: Headers | None = None) -> Response:
    # After 303 the browser does not send the form, with its password, to the new address.
    return Response(303, b"", [(b"location", location.encode("ascii")), *headers(ANYWHERE), *(cookie or [])])


def failed(error: str, help_: str, status: int) -> Response:
    """The page that says that it did not work, and why."""
    html = _PAGES.render("failed.html", error=error, help=help_, status=status)
    return Response(status, html, html_headers(ANYWHERE))


def _form_targets(scheme: str) -> tuple[str, ...]:
    """Where the page's forms may lead. `scheme` is the scheme of the redirect URI, such as https or an app's name."""
    return ANYWHERE if scheme in {"", "http", "https"} else (*ANYWHERE, f"{scheme}:")
