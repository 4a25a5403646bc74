"""Whether a form was sent by a page of ours, judged by the headers that the browser sends with it.

Our pages forbid referrers. For such pages browsers send `Origin: null`, which says nothing. Over plain HTTP under a
host name they send no `Sec-Fetch-Site`. If the headers say nothing, the form needs the token that its page contained.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from moorage.http.errors import quoted
from moorage.http.forms import is_form

_LONGEST_HOST = 261  # Of a name, with a port behind it.
# Unlike any other name, these can't be made to lead here by somebody else's DNS.
_FIXED = re.compile(r"(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])(?::\d{1,5})?")
_DEFAULT_PORT = {"http": ":80", "https": ":443"}

# Gives the value of a header by its lower-case name, or None.
Header = Callable[[str], str | None]


def objection(header: Header, own_url: str) -> str | None:
    """Why a form can't come from a page at `own_url`, as a sentence; None if nothing speaks against it."""
    scheme, host = urlsplit(own_url).scheme, urlsplit(own_url).netloc.lower()
    own = host.removesuffix(_DEFAULT_PORT.get(scheme, ""))
    asked, origin = (header("host") or own)[: _LONGEST_HOST + 1].lower(), header("origin")
    if not is_form(header("content-type")):
        return "The request is not a form."
    if header("sec-fetch-site") not in {None, "same-origin", "none"}:
        return "Another site sent this form."
    if _FIXED.fullmatch(asked):
        ours = {f"{scheme}://{own}", f"http://{asked}", f"https://{asked}"}
    elif asked in {own, own + _DEFAULT_PORT.get(scheme, "")}:
        ours = {f"{scheme}://{own}"}
    else:
        return (
            f"This form was sent to {quoted(asked)}, but this server is {own}."
            " A proxy has to pass the Host header on."
        )
    if origin not in {None, "null", *ours}:
        return "Another site sent this form."
    return None


def is_vouched_for(header: Header) -> bool:
    """Whether the browser confirms the source of a form that `objection` did not refuse.

    Browsers do so over HTTPS and on this machine, and by an Origin of ours for a page that does not forbid referrers.
    """
    return header("sec-fetch-site") in {"same-origin", "none"} or header("origin") not in {None, "null"}
