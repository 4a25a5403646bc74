"""The templates of a room's pages, and the headers of all pages."""

from functools import cached_property
from typing import TYPE_CHECKING

from moorage.errors import MoorageError
from moorage.http.message import Headers, Response

if TYPE_CHECKING:
    from jinja2 import Environment

# A URL may hold a secret, and a page a form. No other site may learn the URL or frame the page; nobody may store
# either.
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
# Browsers apply `form-action` also to the redirect that answers a form. Forms that lead to an accounts server, or back
# to a client, need this.
ANYWHERE = ("'self'", "http:", "https:")


def headers(form_targets: tuple[str, ...] = ("'self'",)) -> Headers:
    """The headers of an answer for a browser. `form_targets` is where its forms may lead (Content-Security-Policy)."""
    policy = _POLICY.format(targets=" ".join(form_targets))
    return [*_HEADERS, (b"content-security-policy", policy.encode("ascii"))]


def named_headers(form_targets: tuple[str, ...] = ("'self'",)) -> dict[str, str]:
    """The headers of an answer for a browser, as Starlette takes them."""
    return {name.decode(): value.decode() for name, value in headers(form_targets)}


def html_headers(form_targets: tuple[str, ...] = ("'self'",)) -> Headers:
    """The headers of an HTML page."""
    return [(b"content-type", b"text/html; charset=utf-8"), *headers(form_targets)]


class Pages:
    """The templates in the folder `pages` of a package. Each extends this room's frame, `base.html`.

    `site` is the name in the window's title. The pages are plain HTML, work without scripts, and forbid scripts.
    """

    def __init__(self, package: str, site: str) -> None:
        self._package = package
        self._site = site

    def render(self, template: str, **values: object) -> bytes:
        return self._environment.get_template(template).render(site=self._site, **values).encode()

    def failed(
        self, error: MoorageError, form_targets: tuple[str, ...] = ("'self'",), **ways_on: object
    ) -> Response:
        """The error as a page, by the template `failed.html`. Whoever sends it sets its status."""
        html = self.render("failed.html", message=error.message, help=error.help or "", **ways_on)
        return Response(0, html, html_headers(form_targets))

    @cached_property
    def _environment(self) -> "Environment":
        # Few servers ever show a page, so the first page loads the library.
        from jinja2 import ChoiceLoader, Environment, PackageLoader, select_autoescape  # noqa: PLC0415

        loader = ChoiceLoader([PackageLoader(package, "pages") for package in (self._package, "moorage.web")])
        return Environment(loader=loader, autoescape=select_autoescape())
