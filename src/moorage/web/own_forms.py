"""Whether a form was sent by a page of ours: what a browser says of a form speaks for it or against it.

Our pages forbid referrers, and for such pages browsers say `Origin: null`; so that says nothing. Plain HTTP under a
name gets no `Sec-Fetch-Site`. Where a browser says nothing, the form has to prove itself by a token that its page was
given.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from moorage.http.errors import quoted
from moorage.http.forms import is_form

_LONGEST_HOST = 261  # Of a name, with a port behind it.
# No page elsewhere can have these names lead here, as it can any other.
_FIXED = re.compile(r"(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])(?::\d{1,5})?")
_DEFAULT_PORT = {"http": ":80", "https": ":443"}

# Gives the value of a header by its name in lower case, None without it.
Header = Callable[[str], str | None]


def objection(header: Header, own_url: str) -> str | None:
    """Why a form can't have come from a page at `own_url`, as a sentence; None if nothing speaks against it."""
    scheme, host = urlsplit(own_url).scheme, urlsplit(own_url).netloc.lower()
    own = host.removesuffix(_DEFAULT_PORT.get(scheme, ""))
    asked, origin = (header("host") or own)[: _LONGEST_HOST + 1].lower(), header("origin")
    if not is_form(header("content-type")):
        return "What was sent is no form."
    if header("sec-fetch-site") not in {None, "same-origin", "none"}:
        return "Another site sent this form."
    if _FIXED.fullmatch(asked):
        ours = {f"{scheme}://{own}", f"http://{asked}", f"https://{asked}"}
    elif asked in {own, own + _DEFAULT_PORT.get(scheme, "")}:
        ours = {f"{scheme}://{own}"}
    else:
        return (
            f"This form was sent to {quoted(asked)}, but this server is {own}; a proxy has to pass Host on."
        )
    if origin not in {None, "null", *ours}:
        return "Another site sent this form."
    return None


def is_vouched_for(header: Header) -> bool:
    """Whether the browser itself says where a form comes from that nothing speaks against (`objection`).

    It says so over HTTPS and at this machine; and of a page that forbids no referrers, by an Origin of ours.
    """
    return header("sec-fetch-site") in {"same-origin", "none"} or header("origin") not in {None, "null"}
