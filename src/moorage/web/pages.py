"""The templates of a room's pages, and the headers that all pages are sent with."""

from functools import cached_property
from typing import TYPE_CHECKING

from moorage.http.message import Headers

if TYPE_CHECKING:
    from jinja2 import Environment

# An address may hold a secret, and a page a form: no other site may learn the one, frame the other, or keep either.
_HEADERS: Headers = [
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action {targets}; "
    "frame-ancestors 'none'; base-uri 'none'"
)
# Browsers hold a form to `form-action` even where its answer sends them on, as forms do that lead to an accounts server
# or back to a client.
ANYWHERE = ("'self'", "http:", "https:")


def headers(form_targets: tuple[str, ...] = ("'self'",)) -> Headers:
    """Of an answer for a browser. `form_targets` is where its forms may lead, as Content-Security-Policy spells it."""
    policy = _POLICY.format(targets=" ".join(form_targets))
    return [*_HEADERS, (b"content-security-policy", policy.encode("ascii"))]


def html_headers(form_targets: tuple[str, ...] = ("'self'",)) -> Headers:
    """The same for one that holds a page."""
    return [(b"content-type", b"text/html; charset=utf-8"), *headers(form_targets)]


class Pages:
    """The templates in the folder `pages` of a package, each in the frame `base.html` that is this room's.

    `site` is the name that stands in a window's title. Plain HTML: it works without scripts, and forbids them.
    """

    def __init__(self, package: str, site: str) -> None:
        self._package = package
        self._site = site

    def render(self, template: str, **values: object) -> bytes:
        return self._environment.get_template(template).render(site=self._site, **values).encode()

    @cached_property
    def _environment(self) -> "Environment":
        # Few servers ever show a page, so the library is loaded by the first.
        from jinja2 import ChoiceLoader, Environment, PackageLoader, select_autoescape  # noqa: PLC0415

        loader = ChoiceLoader([PackageLoader(package, "pages") for package in (self._package, "moorage.web")])
        return Environment(loader=loader, autoescape=select_autoescape())
