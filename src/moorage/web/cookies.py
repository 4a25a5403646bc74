"""Cookies by which a browser is recognised."""

import re
from urllib.parse import quote, urlsplit

import msgspec


class Cookie:
    """A cookie of ours. Its value is always 256 random bits."""

    def __init__(self, name: str) -> None:
        self.name = name
        # The pattern begins with the name, because that makes the search fastest.
        before = "|".join(f"(?<={sign}{re.escape(name)})" for sign in ("^", ";", "; "))
        self._form = re.compile(rf"{re.escape(name)}(?:{before})=([A-Za-z0-9_-]{{43}})(?=;|$)")

    def of(self, header: str | None) -> str | None:
        """The cookie's value in a Cookie header; None if no value there can be ours."""
        match = self._form.search(header or "")
        return match[1] if match else None


class Scope(msgspec.Struct, frozen=True):
    """The requests that a cookie is sent with."""

    path: str
    secure: bool

    @classmethod
    def below(cls, base_url: str, path: str) -> "Scope":
        """Requests below a path of a site. Without one all servers of a machine would get it: cookies ignore ports."""
        address = urlsplit(base_url)
        return cls(quote(f"{address.path}{path}", safe="/%"), address.scheme == "https")


def set_cookie(cookie: Cookie, value: str, scope: Scope, seconds: int) -> tuple[bytes, bytes]:
    """The header that makes a browser keep the cookie.

    It is Lax, because people come back from other sites by a plain navigation. No script can read it.
    """
    secure = "; Secure" if scope.secure else ""
    text = f"{cookie.name}={value}; Path={scope.path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    return b"set-cookie", text.encode("ascii")
