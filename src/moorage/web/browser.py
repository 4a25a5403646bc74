"""A browser that our pages recognise by its cookie, and the forms that only this browser can send from them."""

import hmac
import re
import secrets
from io import BytesIO
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from moorage.digests import base64url
from moorage.errors import MoorageError
from moorage.http import forms
from moorage.http.bodies import Budget
from moorage.http.control import body_of
from moorage.http.multipart import MultipartBroken, parts_in
from moorage.web.cookies import Cookie, Scope, set_cookie
from moorage.web.own_forms import is_vouched_for, objection

_long = Budget(64 * 1024 * 1024)  # Bytes of long forms in memory at once.
_RANDOM = re.compile(r"[A-Za-z0-9_-]{43}")


class FormRefused(MoorageError):
    """The form was not sent by our page in this browser."""

    code = "form_refused"


def new_random() -> str:
    """256 random bits, for a browser's cookie or another secret that nobody guesses."""
    return secrets.token_urlsafe(32)


def is_random(text: str | None) -> bool:
    """True if a text could come from `new_random`."""
    return text is not None and _RANDOM.fullmatch(text) is not None


def form_token_of(browser: str) -> str:
    """The token in a page's form. To compute it, one has to know the browser's cookie."""
    return base64url(hmac.digest(browser.encode(), b"form", "sha256"))


def is_form_token(text: str, browser: str | None) -> bool:
    """True if this is the form token of the browser with this cookie."""
    return browser is not None and hmac.compare_digest(text.encode(), form_token_of(browser).encode())


class BrowserCookie:
    """The cookie by which a browser is recognised on the pages below a path. It lasts for some seconds."""

    def __init__(self, name: str, public_url: str, path: str, seconds: int) -> None:
        is_secure = urlsplit(public_url).scheme == "https"
        # Browsers accept a cookie with the prefix __Host- only from this host itself, and only over TLS.
        self._cookie = Cookie(f"__Host-{name}" if is_secure else name)
        self._scope = Scope("/", secure=True) if is_secure else Scope.below(public_url, path)
        self._seconds = seconds

    def of(self, request: Request) -> str | None:
        return self._cookie.of(request.headers.get("cookie"))

    def put(self, answer: Response, browser: str) -> None:
        answer.raw_headers.append(set_cookie(self._cookie, browser, self._scope, self._seconds))


class File(msgspec.Struct, frozen=True):
    """A file of a form. `name` is what the browser says; `content` are its bytes."""

    name: str
    content: bytes


class OwnForm(msgspec.Struct, frozen=True):
    """The fields of a form in order, and its files by the names of their fields."""

    pairs: list[tuple[str, str]]
    files: dict[str, File]


async def own_pairs(request: Request, public_url: str, browser: str | None) -> list[tuple[str, str]]:
    """The fields of a form that our page has sent from the browser with this cookie.

    Raises FormRefused for any other form, and BodyTooLarge.
    """
    return (await own_form(request, public_url, browser, forms.MAX_FORM)).pairs


async def own_form(request: Request, public_url: str, browser: str | None, most: int) -> OwnForm:
    """As `own_pairs`, of a form of up to `most` bytes, with the files that it has."""
    reason = objection(request.headers.get, public_url)
    if reason is not None:
        raise FormRefused(reason, help="Open the page again and begin there.")
    form = await _read(request, most)
    is_ours = is_form_token(dict(form.pairs).get("form_token", ""), browser)
    if not is_vouched_for(request.headers.get) and not is_ours:
        raise FormRefused(
            "This form is out of date.",
            help="Open the page again. If this happens again, allow this site's cookies.",
        )
    return form


async def _read(request: Request, most: int) -> OwnForm:
    kind = request.headers.get("content-type")
    if most == forms.MAX_FORM:  # Somebody may send it whom nobody knows yet.
        return OwnForm(forms.body_pairs(kind, await body_of(request, most)), {})
    body = await body_of(request, most, _long)
    if not forms.is_multipart(kind):
        return OwnForm(forms.body_pairs(kind, body, most), {})
    form = OwnForm([], {})
    try:
        for part in parts_in(BytesIO(body), kind):
            content = body[part.start : part.start + part.size]
            if part.filename is None:
                form.pairs.append((part.name, content.decode("utf-8", "replace")))
            else:
                form.files[part.name] = File(part.filename, content)
    except MultipartBroken:
        raise FormRefused("The form is broken.", help="Send it again.") from None
    return form
