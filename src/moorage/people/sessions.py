"""The sessions of people: which person a browser is signed in as, and the cookie that says so.

A session ends twelve hours after its last use, and seven days after its beginning. The database holds only the digest
of its cookie. A session ends at once with its person, and if the person's password or role changes.
"""

from datetime import timedelta
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from moorage.acting import act_as
from moorage.audit import note
from moorage.clock import lately
from moorage.digests import digest_of
from moorage.ids import new_uuid
from moorage.logs import Log
from moorage.people import store
from moorage.people.errors import StepExpired
from moorage.people.model import Person
from moorage.people.store import Session
from moorage.storage import Database
from moorage.web.browser import (
    BrowserCookie,
    OwnForm,
    form_token_of,
    new_random,
    own_form,
    own_pairs,
)
from moorage.web.pages import named_headers
from moorage.web.visitor import address_of

LONGEST = timedelta(days=7)
IDLE = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)  # The last use of a session is noted as exactly as this.
_MICROSECOND = timedelta(microseconds=1)
LONGEST_NEXT = 2500  # Characters of a path to which somebody comes back.
_LONGEST_BROWSER = 200

log = Log(__name__)


class PersonSessions:
    """`public_url` is the base URL of the gateway for people."""

    def __init__(self, database: Database, public_url: str) -> None:
        self._database = database
        self._public_url = public_url
        # Every page of the gateway may need the person. Apps never get cookies of the gateway (gateway/rewrite.py).
        self._cookie = BrowserCookie("moorage-person", public_url, "/", LONGEST // timedelta(seconds=1))

    async def person(self, request: Request) -> Person | None:
        """The person who is signed in in this browser; None if nobody is. An API key is nobody."""
        token = self._cookie.of(request)
        if token is None:
            return None
        async with self._database.reading() as tx:
            row, now = await store.session(tx, digest_of(token)), tx.now
        if row is None or not _is_valid(row[0], now):
            return None
        if not lately(row[0].seen_at, now, SEEN_EVERY // _MICROSECOND):
            async with self._database.transaction(quiet=True) as tx:
                await store.note_seen(tx, digest_of(token))
        person = row[1]
        act_as("person", person.id, person.name, person.account_id)
        return person

    def form_token(self, request: Request) -> str:
        """The token that a form of a page for a signed-in person needs, in its hidden field `form_token`."""
        return self.unknown(request)[1]

    async def own_form(self, request: Request) -> dict[str, str]:
        """The fields of a form that a page of ours has sent from this browser. Raises FormRefused, BodyTooLarge."""
        return dict(await own_pairs(request, self._public_url, self._cookie.of(request)))

    async def long_form(self, request: Request, most: int) -> OwnForm:
        """As `own_form`, of up to `most` bytes, with all fields of one name, and files."""
        return await own_form(request, self._public_url, self._cookie.of(request), most)

    def to_sign_in(self, request: Request, back: str | None = None) -> Response:
        """Sends the browser to the page for signing in. It comes back to this page, or to the path `back`,
        which may have a query.
        """
        return go(f"./{up(request)}sign-in?next={quote(back or request.url.path)}")

    def of(self, request: Request) -> str | None:
        """The cookie of the browser, whether somebody is signed in in it or not."""
        return self._cookie.of(request)

    def unknown(self, request: Request) -> tuple[str, str]:
        """The cookie of a browser in which nobody has signed in yet, and the token for a form of its page."""
        browser = self._cookie.of(request) or new_random()
        return browser, form_token_of(browser)

    def put(self, answer: Response, browser: str) -> None:
        self._cookie.put(answer, browser)

    async def list(self, request: Request, person: Person) -> list[tuple[Session, bool]]:
        """The sessions of a person, the last used first, each with whether it is the one of this browser."""
        digest = digest_of(self._cookie.of(request) or "")
        async with self._database.reading() as tx:
            here = await store.session(tx, digest)
            sessions = [one for one in await store.sessions_of(tx, person.id) if _is_valid(one, tx.now)]
        return [(one, here is not None and one.id == here[0].id) for one in sessions]

    async def end_one(self, person: Person, session_id: str) -> None:
        """End a session of a person by its id. It is not an error if there is none."""
        async with self._database.transaction() as tx:
            if session_id.isprintable() and await store.end_session_of_id(tx, person.id, session_id):
                await note(tx, "session.ended", session_id, account=person.account_id)

    async def begin(self, person: Person, request: Request, answer: Response) -> None:
        """Sign a person in in this browser. The session is new, because somebody else may know an older one.

        Raises StepExpired if the person was removed, or their password, identity or role has changed meanwhile.
        """
        token, old = new_random(), self._cookie.of(request)
        agent = request.headers.get("user-agent", "")[:_LONGEST_BROWSER]
        browser = "".join(character if character.isprintable() else " " for character in agent)
        async with self._database.transaction() as tx:
            present = await store.in_any_account(tx, person.id)
            if present is None or present.credentials != person.credentials:
                raise StepExpired
            if old is not None:
                await store.end_session(tx, digest_of(old))
            session = Session(new_uuid()[:13], person.id, tx.now, tx.now, client_of(request), browser)
            await store.add_session(tx, digest_of(token), session, oldest=tx.now - LONGEST // _MICROSECOND)
            await store.change(tx, person.id, signed_in_at=tx.now)
            act_as("person", person.id, person.name, person.account_id)
            await note(tx, "session.begun", session.id, account=person.account_id)
        self._cookie.put(answer, token)
        log.info("person.signed_in", person=person.id, session=session.id)

    async def end(self, request: Request, answer: Response) -> None:
        """Sign the person of this browser out."""
        token, person = self._cookie.of(request), await self.person(request)
        if token is not None and person is not None:  # A stranger's cookie writes nothing.
            async with self._database.transaction() as tx:
                row = await store.session(tx, digest_of(token))
                if row is not None:
                    await store.end_session(tx, digest_of(token))
                    await note(tx, "session.ended", row[0].id, account=person.account_id)
        self._cookie.put(answer, new_random())


def _is_valid(session: Session, now: int) -> bool:
    """Neither too old nor too long unused. The clock may have been put back since: see `clock.lately`."""
    is_young = lately(session.begun_at, now, LONGEST // _MICROSECOND)
    return is_young and lately(session.seen_at, now, IDLE // _MICROSECOND)


def client_of(request: Request) -> str:
    """The address of the browser. It may have been forged, so it decides only who has to wait."""
    host = request.client.host if request.client else ""
    address = address_of(host, request.headers.get("x-forwarded-for"))
    return "".join(character for character in address if character.isprintable())


def way_back(text: str) -> str:
    """A path of this site to go to after signing in, relative to `/sign-in`. Other texts lead to `/console`."""
    is_path = text.startswith("/") and text.isascii() and text.isprintable() and len(text) <= LONGEST_NEXT
    inner = text[1:]
    if not is_path or not inner or inner[0] in "/\\" or "\\" in inner or ".." in inner.partition("?")[0]:
        return "./console"
    return f"./{quote(inner, safe='/?&=%-._~')}"


def up(request: Request) -> str:
    """The way from the page of a request to the root of this site, as the beginning of a link."""
    return "../" * (request.url.path.count("/") - 1)


def go(location: str) -> Response:
    """Sends a browser on. After 303 it does not send a form, with its password, to the new address."""
    return RedirectResponse(location, 303, named_headers())
