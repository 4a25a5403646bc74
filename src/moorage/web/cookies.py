"""Cookies by which a browser is known again."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit


class Cookie:
    """A cookie of ours, whose value has one form: 256 random bits."""

    def __init__(self, name: str) -> None:
        self.name = name
        # The name comes first, as then the search for it is the fastest there is.
        before = "|".join(f"(?<={sign}{re.escape(name)})" for sign in ("^", ";", "; "))
        self._form = re.compile(rf"{re.escape(name)}(?:{before})=([A-Za-z0-9_-]{{43}})(?=;|$)")

    def of(self, header: str | None) -> str | None:
        """Its value in a Cookie header, None if there is none that could be ours."""
        match = self._form.search(header or "")
        return match[1] if match else None


@dataclass(frozen=True, slots=True)
class Scope:
    """Which requests a cookie is sent along with."""

    path: str
    secure: bool

    @classmethod
    def below(cls, base_url: str, path: str) -> "Scope":
        """Those to a path of a site: cookies know no ports, and without one all servers of a machine would get it."""
        address = urlsplit(base_url)
        return cls(quote(f"{address.path}{path}", safe="/%"), address.scheme == "https")


def set_cookie(cookie: Cookie, value: str, scope: Scope, seconds: int) -> tuple[bytes, bytes]:
    """The header that has a browser keep it.

    Lax, as people come back from other sites by a plain navigation; and no script ever reads it.
    """
    secure = "; Secure" if scope.secure else ""
    text = f"{cookie.name}={value}; Path={scope.path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    return b"set-cookie", text.encode("ascii")
