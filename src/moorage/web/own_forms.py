"""Checks that a form was sent by one of our pages, by the headers that the browser sends with it.

Our pages forbid referrers. For such pages browsers send `Origin: null`, which says nothing. Over plain HTTP under a
host name they send no `Sec-Fetch-Site`. If the headers say nothing, the form needs the token from its page.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from moorage.http.errors import quoted
from moorage.http.forms import is_form

_LONGEST_HOST = 261  # The length of a host name with a port.
# A stranger's DNS can make any other name lead to this machine, but not these.
_FIXED = re.compile(r"(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])(?::\d{1,5})?")
_NAME_IT = "If people reach it by that name, MOORAGE_PUBLIC_URL has to say so, or MOORAGE_CRM_PUBLIC_URL for the CRM."
_PASS_IT_ON = "A proxy has to pass the Host header on."
_DEFAULT_PORT = {"http": ":80", "https": ":443"}

# Gives the value of a header by its lower-case name, or None.
Header = Callable[[str], str | None]


def objection(header: Header, own_url: str) -> str | None:
    """The reason why a form can't come from a page at `own_url`, as a sentence; None if it may come from one."""
    scheme, host = urlsplit(own_url).scheme, urlsplit(own_url).netloc.lower()
    own = host.removesuffix(_DEFAULT_PORT.get(scheme, ""))
    called, origin = (header("host") or own)[: _LONGEST_HOST + 1].lower(), header("origin")
    if not is_form(header("content-type")):
        return "The request is not a form."
    if header("sec-fetch-site") not in {None, "same-origin", "none"}:
        return "Another site sent this form."
    if _FIXED.fullmatch(called):
        own_origins = {f"{scheme}://{own}", f"http://{called}", f"https://{called}"}
    elif called in {own, own + _DEFAULT_PORT.get(scheme, "")}:
        own_origins = {f"{scheme}://{own}"}
    else:
        told = f"This form was sent to {quoted(called)}, but this server is {own}."
        return f"{told} {_NAME_IT if _FIXED.fullmatch(own) else _PASS_IT_ON}"
    if origin not in {None, "null", *own_origins}:
        return "Another site sent this form."
    return None


def is_vouched_for(header: Header) -> bool:
    """True if the browser confirms that a form, which `objection` did not refuse, comes from our page.

    Browsers do so over HTTPS and on this machine; for a page that does not forbid referrers, with our Origin.
    """
    return header("sec-fetch-site") in {"same-origin", "none"} or header("origin") not in {None, "null"}
